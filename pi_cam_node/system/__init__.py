"""Operating system and board: identity, resources, logging, service manager."""
