"""What the console keeps: nine tables and an audit in SQLite, written by one thread."""
