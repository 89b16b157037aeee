"""Database of the console: nine tables and an audit in SQLite, written by one thread."""
