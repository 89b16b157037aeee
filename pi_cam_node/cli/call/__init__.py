"""``pi-cam-node call``: sends a command to a node over MQTT and prints the reply."""
