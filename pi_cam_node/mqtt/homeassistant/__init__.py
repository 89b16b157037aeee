"""Home Assistant discovery: the node's entities in Home Assistant's format."""
