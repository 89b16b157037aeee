"""Time limits of the promises: exact if the fault suite runs alone, longer beside other tests."""

from __future__ import annotations

# How much longer things may take on two cores that run two suites and their brokers, browsers and cameras.
BESIDE_OTHERS = 5.0

_scale = BESIDE_OTHERS


def judge_strictly() -> None:
    """Take every bar as it is written: called once where ``--faults`` runs the fault suite by itself."""
    global _scale  # noqa: PLW0603 - one run of pytest is judged in one way
    _scale = 1.0


def bar(limit_s: float) -> float:
    """Return the seconds that something may take in this run."""
    return limit_s * _scale
