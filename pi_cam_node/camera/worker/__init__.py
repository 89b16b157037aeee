"""Runs a source in a separate process or thread, with orders and reports as messages."""
