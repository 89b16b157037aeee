"""Pi camera through picamera2, which is imported only in `interface`, when a camera is opened."""
