"""Synthetic camera: a drawn scene with scripted light and faults."""
