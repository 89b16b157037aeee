"""Faults caused for real, and what the node promises under each: see `docs/reliability.md`."""
