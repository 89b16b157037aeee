"""Soak test: runs the node for hours under faults, and checks memory growth, recovery and final state."""
