"""The encoder's process: pictures in, H.264 packets out."""
