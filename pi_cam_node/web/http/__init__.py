"""The HTTP server itself: sockets, TLS, limits, routing."""
