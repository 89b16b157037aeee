"""Runs a source in a separate process or thread, controlled by orders and reports as messages."""
