"""Saved pictures."""
