"""Parses typed values, and formats values for display; independent of any setting. No I/O."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from pi_cam_node.base.redaction import MASK, guarded, without_logins

IPV6 = 6
# Characters stripped from both ends: blanks, byte order mark and NUL.
BLANKS = " \t\r\n\0\ufeff"
# Aliases of choices.
ALIASES = {"jpeg": "jpg"}
LONGEST_SHOWN = 40
LONGEST_NUMBER = 100
# Longest text of which logins are masked, which takes time.
LONGEST_QUOTED = 1000

# Factor of each suffix to the unit of the setting. Not a float, so that 1.1 ms is exactly 1100 µs.
_SCALES: dict[str, dict[str, Decimal | int]] = {
    "B": {"b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9},
    "s": {"ms": Decimal("0.001"), "s": 1, "min": 60, "h": 3600, "d": 86_400},
    "µs": {"µs": 1, "us": 1, "ms": 10**3, "s": 10**6},
    "d": {"h": Decimal(1) / 24, "d": 1},
    "px": {"px": 1},
    "Hz": {"hz": 1, "fps": 1},
}
# The Greek letter mu looks like the micro sign, and both are typed.
_MICRO = str.maketrans("μ", "µ")
_NUMBER = re.compile(
    r"([-+]?(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]{1,3})?)\s*([A-Za-zµ]*)", re.IGNORECASE | re.ASCII
)

_IN_SINGLE_QUOTES = re.compile(r"\[\s*'[^']*'(?:\s*,\s*'[^']*')*\s*\]")
_PLAIN_FLOW = re.compile(r"""\[[^\[\]{}'"]*\]""")
_POINT = re.compile(r"(?:[^=\s]*=)?[0-9]*\.?[0-9]+,[0-9]*\.?[0-9]+;?", re.ASCII)


def number(text: str, unit: str) -> int | float | str:
    """Parse a number such as ``2.5 s`` or ``1e6`` in the given unit; return the text itself if it is none."""
    match = _NUMBER.fullmatch(text.translate(_MICRO)) if len(text) <= LONGEST_NUMBER else None
    if match is None:
        return text
    scale = _SCALES.get(unit, {}).get(match[2].lower()) if match[2] else 1
    if scale is None:
        return text
    value = Decimal(match[1]) * scale
    return int(value) if value == value.to_integral_value() else float(value)


def unquoted(text: str) -> str:
    """Return the content of a JSON string, as editors and flows send a word; any other text unchanged."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            content = json.loads(text)
            content.encode()  # half of a UTF-16 pair is no character
        except ValueError:
            return text
        return str(content).strip(BLANKS)
    return text


def choice(text: str, known: Sequence[str]) -> str:
    """Return the known word that a text means, ignoring case; the text itself if there is none."""
    word = text.strip(BLANKS).casefold()
    word = ALIASES.get(word, word)
    return next((one for one in known if one.casefold() == word), text)


def items(text: str) -> object:
    """Return the items of ``jpg, png``, ``jpg png`` or ``["jpg", "png"]``; the text itself if it is malformed.

    ``[jpg, png]`` and ``['jpg', 'png']``, as in the settings file, are taken too. Points of polygons contain commas and
    blanks: ``0,0 1,0 1,1`` is one item; semicolons or line breaks separate items.
    """
    if not text.startswith("["):
        is_polygon = any(map(_POINT.fullmatch, text.split()))
        return [item.strip() for item in re.split(r"[;\n]+" if is_polygon else r"[\s,]+", text) if item.strip()]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _flow_items(text)


def _flow_items(text: str) -> object:
    """Return the items of a list in YAML's flow style, all in single quotes or none; of others the text itself."""
    if _IN_SINGLE_QUOTES.fullmatch(text):
        return re.findall("'([^']*)'", text)
    return items(text[1:-1].strip()) if _PLAIN_FLOW.fullmatch(text) else text


def address_and_port(text: str) -> tuple[str, int | None]:
    """Split an address into host and port, removing the brackets around IPv6.

    ``[::1]:1883`` is (``::1``, 1883); other texts are returned unchanged.
    """
    match = re.fullmatch(r"\[([^\[\]]+)\](?::([0-9]{1,5}))?", text)
    try:
        if match is None or ipaddress.ip_address(match[1]).version != IPV6:
            return text, None
    except ValueError:
        return text, None
    return match[1], int(match[2]) if match[2] else None


def without_brackets(text: object) -> object:
    """Remove the brackets around an IPv6 address; other texts are returned unchanged."""
    address, port = address_and_port(text) if isinstance(text, str) else (text, None)
    return text if port is not None else address


def with_unit(value: float, unit: str) -> tuple[str, str]:
    """Return a number with a convenient unit: 67108864 B as ``("64", "MiB")``."""
    steps = {"B": (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)), "µs": (("s", 10**6), ("ms", 10**3))}
    for name, size in steps.get(unit, ()):
        if value >= size and value % size == 0:
            return f"{value / size:.10g}", name
    return f"{value:.10g}", unit


def span(minimum: float, maximum: float, unit: str) -> str:
    """Return a range in words: ``from 1 MiB to 64 GiB``."""
    (low, low_unit), (high, high_unit) = with_unit(minimum, unit), with_unit(maximum, unit)
    first = low if low_unit == high_unit else f"{low} {low_unit}"
    return f"from {first} to {high} {high_unit}".rstrip()


def plain(value: object) -> Any:
    """Return a setting's value as a JSON type; secrets and logins in addresses masked."""
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list):
        return list(value)
    if isinstance(value, str):
        return without_logins(value)
    return value if isinstance(value, bool | int | float) else None


def as_text(value: object) -> str:
    """Return a value as text for topics and display: ``on``, ``2.5``, ``jpg, png``; empty for ``None``.

    A list with commas in its items becomes a JSON array, so that the text can be parsed again.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list):
        texts = [str(item) for item in value]
        return json.dumps(texts, ensure_ascii=False) if any("," in text for text in texts) else ", ".join(texts)
    return "" if value is None else str(value)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted key as nested mappings."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *path, name = key.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[name] = value
    return tree


def quoted(raw: object) -> str:
    """Return a rejected value for a message: short, on one line, logins masked."""
    if raw is None or raw == "":
        return "nothing"
    try:
        text = str(raw)
    except (ValueError, RecursionError):
        return "something endless"  # an integer or a nesting too large for a message
    if len(text) > LONGEST_QUOTED:
        return f"{len(text)} characters"
    text = guarded(text)
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…")
