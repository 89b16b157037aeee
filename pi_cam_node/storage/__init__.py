"""Storage: pictures and films on disk, the event database, and the marker of privacy."""
