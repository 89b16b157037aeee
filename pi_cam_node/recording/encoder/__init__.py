"""The encoder's process: JPEGs in, H.264 packets out."""
