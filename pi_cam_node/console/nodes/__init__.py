"""Nodes on the broker, found by their retained topics, without pairing."""
