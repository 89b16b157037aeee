"""Ids of saved pictures and films, which are their file names: time, boot id, frame number, kind.

``20261120T194501123Z-3f2a91c0-000042-single``: UTC, because local time repeats an hour each
autumn; the boot id and the frame number, because UTC may be wrong and even repeat on a board
without a battery clock. A name that is taken all the same gets a counter at its end, from 2.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import FORMATS
from pi_cam_node.core.history import FILM_KINDS, MEDIA_KINDS, PICTURE_KINDS, MediaKind, id_of

FILM_FORMAT = "mp4"
SIDECAR = "json"

# Always used with fullmatch: a valid id contains no slash, dot or newline, so it is safe in a path. Ids are canonical.
_ID = (
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"T(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})(?P<ms>[0-9]{3})Z-(?P<boot>[0-9a-f]{8})-(?P<frame>[0-9]{6}|[1-9][0-9]{6,11})"
    rf"-(?P<kind>{'|'.join(MEDIA_KINDS)})(?:-(?P<again>[2-9]|[1-9][0-9]{{1,5}}))?"
)
_ID_PATTERN = re.compile(_ID)
_FILE_PATTERN = re.compile(rf"(?P<id>{_ID})\.(?P<extension>{'|'.join((*FORMATS, FILM_FORMAT, SIDECAR))})")
_UNFINISHED_PATTERN = re.compile(rf"\.(?P<id>{_ID})\.{FILM_FORMAT}\.rec")
_PART_PATTERN = re.compile(rf"\.{_FILE_PATTERN.pattern}\.[0-9]+\.part")
# Hidden state files in the folder of pictures: ``.privacy_on`` and the like.
_HIDDEN_PART_PATTERN = re.compile(r"\.\.[a-z_]+\.(?P<process>[0-9]+)\.part")


@frozen
class MediaName:
    """Parsed id of a picture or a film.

    Attributes:
        at: UTC time of the first frame; whole milliseconds.
        boot: First 8 hex digits of the node's boot id.
        frame: Number of the first frame.
        kind: Kind of picture or film.
        again: 1, or a counter if there are others with the same fields.
    """

    at: datetime
    boot: str
    frame: int
    kind: MediaKind
    again: int = 1

    @property
    def id(self) -> str:
        """The id as text."""
        name = id_of(self.at, self.boot, self.frame, self.kind)
        return name if self.again == 1 else f"{name}-{self.again}"


def boot_part(boot_id: str) -> str:
    """Return the first 8 hex digits of a boot id, dashes left out.

    Raises:
        ValueError: The boot id does not begin with 8 hex digits.
    """
    digits = boot_id.replace("-", "").lower()[:8]
    if not re.fullmatch(r"[0-9a-f]{8}", digits):
        raise ValueError(f"a boot id begins with 8 hex digits, not {boot_id!r}")
    return digits


def parse_id(text: str) -> MediaName | None:
    """Parse an id; ``None`` if the text is not exactly one."""
    match = _ID_PATTERN.fullmatch(text)
    return None if match is None else _name_in(match)


def parse_file_name(file_name: str) -> tuple[MediaName, str] | None:
    """Return the parsed id and the extension of a file of the node; ``None`` for other files."""
    match = _FILE_PATTERN.fullmatch(file_name)
    name = None if match is None else _name_in(match)
    return None if match is None or name is None else (name, match["extension"])


def parse_file(file_name: str) -> tuple[str, str] | None:
    """Return ``(picture id, extension)`` of a file of the node; ``None`` for other files."""
    named = parse_file_name(file_name)
    return None if named is None else (named[0].id, named[1])


def _name_in(match: re.Match[str]) -> MediaName | None:
    """Return the parts of an id from a match of a pattern that begins with `_ID`."""
    try:
        # Faster than strptime by a factor of four, as ten thousand names may be read at start.
        digits = match.group("year", "month", "day", "hour", "minute", "second", "ms")
        year, month, day, hour, minute, second, ms = map(int, digits)
        at = datetime(year, month, day, hour, minute, second, ms * 1000, tzinfo=UTC)
    except ValueError:  # digits, but not a valid date
        return None
    kind = next(kind for kind in MEDIA_KINDS if kind == match["kind"])
    return MediaName(at, match["boot"], int(match["frame"]), kind, int(match["again"] or 1))


def boot_in(media_id: str) -> str:
    """Return the boot of the run that an id is of, as `MediaName.boot`; empty if it is no id."""
    name = parse_id(media_id)
    return "" if name is None else name.boot


def unfinished_film(film_id: str) -> str:
    """Return the file name of a film that is being written."""
    return f".{film_id}.{FILM_FORMAT}.rec"


def film_in_progress(file_name: str) -> str | None:
    """Return the id of the film that is written into a file of this name; ``None`` for other files."""
    match = _UNFINISHED_PATTERN.fullmatch(file_name)
    return match["id"] if match is not None and is_film_id(match["id"]) else None


def is_film_id(text: str) -> bool:
    """Tell whether a text is exactly the id of a film; then it contains no slash and no dot."""
    name = parse_id(text)
    return name is not None and name.kind in FILM_KINDS


def is_part(file_name: str) -> bool:
    """Tell whether the name is that of a temporary file, as `pi_cam_node.base.atomic_files` makes it, of any kind."""
    return _kind_of_part(file_name) != ""


def is_picture_part(file_name: str) -> bool:
    """Tell whether the name is that of a picture's temporary file."""
    return _kind_of_part(file_name) in PICTURE_KINDS


def is_film_part(file_name: str) -> bool:
    """Tell whether the name is that of a film's temporary file."""
    return _kind_of_part(file_name) in FILM_KINDS


def _kind_of_part(file_name: str) -> str:
    match = _PART_PATTERN.fullmatch(file_name)
    name = None if match is None else parse_id(match["id"])
    return "" if name is None else name.kind


def is_left_part(file_name: str, process: int) -> bool:
    """Tell whether the name is that of a temporary file of a hidden file of the node, and of another process."""
    match = _HIDDEN_PART_PATTERN.fullmatch(file_name)
    return match is not None and match["process"] != str(process)
