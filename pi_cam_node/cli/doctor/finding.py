"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        check: What was looked at.
        state: ``skipped`` where it could not be looked at, which is never the same as ``ok``.
        text: What was found.
        advice: What to do about it; empty where there is nothing to do.
    """

    check: str
    state: State
    text: str
    advice: str = ""


def ok(check: str, text: str) -> Finding:
    """Return that all is well."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, advice: str) -> Finding:
    """Return what works but deserves a look."""
    return Finding(check, "warning", text, advice)


def failed(check: str, text: str, advice: str) -> Finding:
    """Return what does not work."""
    return Finding(check, "failed", text, advice)


def skipped(check: str, why: str) -> Finding:
    """Return that nobody looked."""
    return Finding(check, "skipped", why)
