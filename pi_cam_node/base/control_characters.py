"""Escapes control characters in the text of others, which command a terminal, or begin a line of a log."""

from __future__ import annotations

import re

# All but tabs and line breaks.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def escaped(text: str) -> str:
    r"""Return a text with control characters as ``\x1b``; tabs and line breaks stay."""
    return _CONTROL.sub(lambda odd: ascii(odd[0])[1:-1], text)


def escaped_json(text: str) -> str:
    r"""Return JSON with control characters as ``\u009b``, which means the same."""
    return _CONTROL.sub(lambda odd: f"\\u{ord(odd[0]):04x}", text)
