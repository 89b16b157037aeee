"""The console: web interface of a home for every node on its broker."""
