"""The text protocol of the service we grew from: one connection, one line, one reply."""
