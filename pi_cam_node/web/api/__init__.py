"""Commands, states, metrics and their description."""
