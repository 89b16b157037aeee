"""Measurements that anyone can rerun: `scripts/bench`. Figures beside their references, never test assertions."""
