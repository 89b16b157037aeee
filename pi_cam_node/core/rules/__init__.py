"""Rules: pure, no I/O, no clock, no threads."""
