"""Pictures as arrays and as files: pure functions, no I/O, no clock, no threads."""
