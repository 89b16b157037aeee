"""Database of the console: ten tables in SQLite, written by one thread."""
