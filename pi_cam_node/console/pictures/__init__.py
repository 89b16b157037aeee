"""Pictures of the nodes: fetched over HTTP with a ticket, or taken from the broker; shown to many, fetched once."""
