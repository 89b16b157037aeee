"""Names that resemble one that is not known, for ``did you mean …?``."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the name that resembles a word most; ``None`` where none does.

    Args:
        word: Short: the time that it takes grows with the square of the length.
        known: The names.
        cutoff: How alike they must be, from 0 to 1; see `difflib.get_close_matches`.
    """
    import difflib  # noqa: PLC0415 - 0.1 MB for a running node, of which nobody has mistyped anything yet

    return next(iter(difflib.get_close_matches(word, known, 1, cutoff)), None)
