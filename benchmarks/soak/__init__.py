"""Soak test: hours of the node under faults, judged for growth, recovery and its final state."""
