"""Ids of films: the format of picture ids, with kinds of their own.

``20261120T194501123Z-3f2a91c0-000042-recording``: UTC of the first picture, the boot, a number of that boot.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from pi_cam_node.core.history import FilmKind
from pi_cam_node.core.media_ids import FILM_FORMAT, FILM_KINDS, SIDECAR, PictureName, parse_id, unfinished_film

_PROGRESS_PATTERN = re.compile(rf"\.(?P<id>[^.]+)\.{FILM_FORMAT}\.rec")
_PART_PATTERN = re.compile(rf"\.(?P<id>[^.]+)\.(?:{FILM_FORMAT}|{SIDECAR})\.[0-9]+\.part")


def film_id(at: datetime, boot: str, number: int, kind: FilmKind) -> str:
    """Return the id of a film.

    Args:
        at: UTC of its first picture.
        boot: First 8 hex digits of the boot id.
        number: Grows with each film of the boot.
        kind: Kind of the film.
    """
    return PictureName(at, boot, number, kind).id


def is_film_id(text: str) -> bool:
    """Return whether a text is exactly the id of a film; then it holds no slash and no dot."""
    name = parse_id(text)
    return name is not None and name.kind in FILM_KINDS


def progress_path(directory: Path, film: str) -> Path:
    """Return the path of a film that is being written."""
    return directory / unfinished_film(film)


def id_in_progress(file_name: str) -> str | None:
    """Return the id of the film that a file in progress is, ``None`` where it is none."""
    match = _PROGRESS_PATTERN.fullmatch(file_name)
    return match["id"] if match and is_film_id(match["id"]) else None


def is_film_part(file_name: str) -> bool:
    """Return whether the name is that of a film's temporary file."""
    match = _PART_PATTERN.fullmatch(file_name)
    return match is not None and is_film_id(match["id"])
