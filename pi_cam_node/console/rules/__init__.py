"""Rules: when this happens, do that. Data, never programs."""
