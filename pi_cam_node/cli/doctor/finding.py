"""The result of a check."""

from __future__ import annotations

from typing import Literal

from pi_cam_node.base.frozen import frozen

State = Literal["ok", "warning", "failed", "skipped"]


@frozen
class Finding:
    """One line of the report.

    Attributes:
        check: The name of the check.
        state: ``skipped`` where the check could not be made, which is never the same as ``ok``.
        text: What was found.
        advice: What to do about it; empty where there is nothing to do.
    """

    check: str
    state: State
    text: str
    advice: str = ""


def ok(check: str, text: str) -> Finding:
    """Return a finding that needs no attention."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, advice: str) -> Finding:
    """Return a finding that works but deserves attention."""
    return Finding(check, "warning", text, advice)


def failed(check: str, text: str, advice: str) -> Finding:
    """Return a finding that does not work."""
    return Finding(check, "failed", text, advice)


def skipped(check: str, why: str) -> Finding:
    """Return the finding of a check that was not made."""
    return Finding(check, "skipped", why)
