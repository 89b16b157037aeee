"""The Pi camera, through picamera2. The library itself is imported when a camera is opened, and only in `interface`."""
