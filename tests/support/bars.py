"""Time limits of the promises: exact if the fault suite runs alone, longer beside other tests."""

from __future__ import annotations

# Factor of time limits on two cores that run two suites with brokers, browsers and cameras.
BESIDE_OTHERS = 5.0

_scale = BESIDE_OTHERS


def judge_strictly() -> None:
    """Use exact limits; called once if ``--faults`` runs the fault suite alone."""
    global _scale  # noqa: PLW0603 - one run of pytest is judged in one way
    _scale = 1.0


def bar(limit_s: float) -> float:
    """Return a time limit for this run, in seconds."""
    return limit_s * _scale
