"""Doors, windows, motion detectors, buttons: whatever announces itself on the broker."""
