"""``pi-cam-node doctor``: finds out what is wrong, and says what to do about it. One check a file."""
