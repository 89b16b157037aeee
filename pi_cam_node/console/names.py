"""Names from the broker as they are shown."""

from __future__ import annotations

import re

# Characters that turn the direction of writing: what stands beside such a name would be shown backwards.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def as_name(told: object) -> str:
    """Return a name as one line of text without control over the text beside it; empty if it is no text."""
    return " ".join(_DIRECTIONS.sub("", told).split()) if isinstance(told, str) else ""
