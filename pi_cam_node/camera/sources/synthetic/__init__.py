"""The synthetic camera: a drawn scene with scripted light and faults."""
