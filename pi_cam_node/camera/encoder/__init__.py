"""Video encoders of the board, which the camera's process uses behind the masks."""
