"""Sensors announced over MQTT: doors, windows, motion detectors, buttons."""
