"""Sensors that announce themselves on the broker: doors, windows, motion detectors, buttons."""
