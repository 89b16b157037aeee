"""Text port: the TCP protocol of this program's predecessor; one connection, one line, one reply."""
