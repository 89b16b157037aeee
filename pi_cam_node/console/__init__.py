"""The console: the house's own web interface for every node on the broker."""
