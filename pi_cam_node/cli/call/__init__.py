"""``pi-cam-node call``: asks a node over MQTT, as people and scripts do from a terminal."""
