"""Nodes on the broker, discovered by their retained topics, without pairing."""
