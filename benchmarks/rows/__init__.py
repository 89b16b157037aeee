"""The rows of the table, by what they need: each takes the bench and yields its results."""
