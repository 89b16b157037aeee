"""``pi-cam-node bench``: measures this board for two minutes at most, and says what it can hold."""
