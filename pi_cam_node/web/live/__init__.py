"""Live view: MJPEG stream, HLS, and snapshots."""
