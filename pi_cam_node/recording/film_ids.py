"""Ids of films: the format of picture ids, with kinds of their own.

``20261120T194501123Z-3f2a91c0-000042-recording``: UTC of the first picture, the boot, a number of that boot.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from pi_cam_node.core.history import FilmKind

_ID = r"[0-9]{8}T[0-9]{9}Z-[0-9a-f]{8}-(?:[0-9]{6}|[1-9][0-9]{6,11})-(?:recording|clip)(?:-[2-9]|-[1-9][0-9]{1,5})?"
_ID_PATTERN = re.compile(_ID)
_PROGRESS_PATTERN = re.compile(rf"\.(?P<id>{_ID})\.mp4\.rec")
_PART_PATTERN = re.compile(rf"\.{_ID}\.(?:mp4|json)\.[0-9]+\.part")


def film_id(at: datetime, boot: str, number: int, kind: FilmKind) -> str:
    """Return the id of a film.

    Args:
        at: UTC of its first picture.
        boot: First 8 hex digits of the boot id.
        number: Grows with each film of the boot.
        kind: Kind of the film.
    """
    at = at.astimezone(UTC)
    return f"{at.year:04d}{at:%m%dT%H%M%S}{at.microsecond // 1000:03d}Z-{boot}-{number:06d}-{kind}"


def is_film_id(text: str) -> bool:
    """Return whether a text is exactly the id of a film; then it holds no slash and no dot."""
    return _ID_PATTERN.fullmatch(text) is not None


def progress_path(directory: Path, film: str) -> Path:
    """Return the path of a film that is being written."""
    return directory / f".{film}.mp4.rec"


def id_in_progress(file_name: str) -> str | None:
    """Return the id of the film that a file in progress is, ``None`` where it is none."""
    match = _PROGRESS_PATTERN.fullmatch(file_name)
    return match["id"] if match else None


def is_film_part(file_name: str) -> bool:
    """Return whether the name is that of a film's temporary file."""
    return _PART_PATTERN.fullmatch(file_name) is not None
