"""Names from the broker as they are shown."""

from __future__ import annotations

import re
import unicodedata

# Characters that turn the direction of writing: what stands beside such a name would be shown backwards.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def as_name(told: object) -> str:
    """Return a name as one line of text without control over the text beside it; empty if it is no text."""
    return " ".join(_DIRECTIONS.sub("", told).split()) if isinstance(told, str) else ""


def order_of(name: str) -> list[tuple[int, str]]:
    """Return what names are sorted by: accents and case do not count, and numbers in them do: 2 comes before 10."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    texts_and_numbers = re.split("0*([0-9]+)", plain)  # they alternate
    return [(len(part) if at % 2 else 0, part) for at, part in enumerate(texts_and_numbers)]
