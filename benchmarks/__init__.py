"""Measurements that anyone can rerun: `python -m benchmarks.node`. Figures, never test assertions."""
