"""The node's entities in Home Assistant's words."""
