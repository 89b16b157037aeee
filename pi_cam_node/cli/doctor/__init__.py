"""``pi-cam-node doctor``: checks everything that a node needs and says what to do about what is wrong."""
