"""Events and films as rows of an SQLite database."""
