"""The sources: one kind of camera, or stand-in for a camera, per file."""
