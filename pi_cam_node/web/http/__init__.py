"""HTTP server shared by node and console: sockets, TLS, limits, routing."""
