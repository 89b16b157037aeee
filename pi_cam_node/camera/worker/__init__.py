"""Runs a source in a process or a thread of its own: orders to it, reports from it."""
