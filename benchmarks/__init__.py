"""Reproducible benchmarks: `scripts/bench`. Figures are compared with references, and are not test assertions."""
