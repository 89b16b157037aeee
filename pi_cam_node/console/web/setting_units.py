"""Units in which people read and enter settings, as on a node's page: bytes as MiB, microseconds as milliseconds."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_KIB, _MIB = 1 << 10, 1 << 20
# Settings of bytes that may be this large are shown in MiB, others in KiB.
_LARGE_BYTES = 1024 * _MIB
_FACTOR_MAX = _MIB


def shown_unit(unit: str, maximum: object) -> tuple[int, str]:
    """Return how many of a setting's own unit are one of the unit that is shown, and that unit."""
    if unit == "B":
        is_large = isinstance(maximum, int | float) and maximum >= _LARGE_BYTES
        return (_MIB, "MiB") if is_large else (_KIB, "KiB")
    return (1000, "ms") if unit == "µs" else (1, unit)


def shown(value: object, factor: int) -> str:
    """Return a value in the unit that is shown; unchanged if it is no number."""
    number = _number(value)
    if factor == 1 or number is None:
        return str(value)
    text = f"{number / factor:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def entered(text: str, factor: str) -> str:
    """Return what was entered as a whole number of the setting's own unit; unchanged if it is no number.

    Args:
        text: The field of the form.
        factor: The form's field with `shown_unit`'s first value; anything else than such a number counts as 1.
    """
    number = _number(text)
    is_factor = factor.isascii() and factor.isdecimal() and len(factor) < 9 and 1 < int(factor) <= _FACTOR_MAX
    return f"{number * int(factor):.0f}" if is_factor and number is not None else text


def _number(value: object) -> Decimal | None:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    # An exponent could make a text of any length.
    return number if number.is_finite() and abs(number.adjusted()) < 25 else None
