"""Pictures of the nodes, over HTTP with a ticket, else from the broker; one connection to a node serves all viewers."""
