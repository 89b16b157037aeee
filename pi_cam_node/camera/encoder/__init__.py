"""Hardware video encoders of the board, used by the camera's process after masking."""
