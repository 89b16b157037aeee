"""Runs a source in a process or a thread of its own, and talks to it."""
