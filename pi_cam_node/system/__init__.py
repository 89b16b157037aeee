"""The machine that the node runs on: what it is, and how it fares."""
