"""Recovery after a crash: adopts complete files without side-car, removes partial ones. At start only.

Files get their final name when complete and synced, the side-car last; a picture without one was interrupted between
its files. File systems without hard links may leave an empty file under a final name, unreliable ones a truncated file.
A file whose first bytes do not match its name is not the node's, and is kept.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Literal

from pi_cam_node.base.atomic_files import place_new, sync_directory
from pi_cam_node.base.clock import iso
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.media_ids import FILM_FORMAT, SIDECAR, parse_id, unfinished_film
from pi_cam_node.core.sidecar import sidecar_bytes
from pi_cam_node.imaging.headers import parse_npy_header
from pi_cam_node.storage.pictures.records import Records

_log = logging.getLogger(__name__)

# First and last bytes of each format; the length of an array is in its header, which is shorter than this.
_HEADER_BYTES = 256
_BEGIN = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "npy": b"\x93NUMPY"}
_END = {"jpg": b"\xff\xd9", "png": b"\x00\x00\x00\x00IEND\xaeB`\x82"}

_State = Literal["whole", "half", "foreign"]


@frozen
class Recovered:
    """Result of a recovery.

    Attributes:
        adopted: Ids of pictures for which a side-car was written.
        removed: Names of removed partial files.
    """

    adopted: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def recover(directory: Path, found: Records, beat: Callable[[], None]) -> Recovered:
    """Adopt or remove files without side-car, and remove lone side-cars; films are left to the recorder.

    Files that cannot be read or written are kept, and logged.

    Args:
        directory: The folder.
        found: What is in it.
        beat: Called at each picture.
    """
    adopted: list[str] = []
    removed: list[str] = []
    for entry in found:
        extensions, picture_id = entry.extensions, entry.id
        if FILM_FORMAT in extensions or (SIDECAR in extensions and len(extensions) > 1):
            continue
        beat()
        try:
            useless, whole = _sorted_out(directory, picture_id, extensions)
            for extension in useless:
                removed.append(f"{picture_id}.{extension}")
                (directory / removed[-1]).unlink(missing_ok=True)
            if whole:
                _adopt(directory, picture_id, whole)
                adopted.append(picture_id)
        except OSError as error:
            _log.warning("%s, left by a crash, is kept: %s", picture_id, error)
    if adopted or removed:
        sync_directory(directory)
        _log.warning("after a crash: adopted %d pictures, removed %d files that were none", len(adopted), len(removed))
    return Recovered(tuple(adopted), tuple(removed))


def _sorted_out(directory: Path, picture_id: str, extensions: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the extensions of the files that are useless, and of those that are whole pictures."""
    if extensions == (SIDECAR,):
        return () if _is_recording(directory, picture_id) else extensions, ()
    states = {extension: _state(directory / f"{picture_id}.{extension}") for extension in extensions}
    useless = [extension for extension, state in states.items() if state == "half"]
    return useless, [extension for extension, state in states.items() if state == "whole"]


def _adopt(directory: Path, picture_id: str, extensions: Sequence[str]) -> None:
    """Write the missing side-car of a picture from its name and files."""
    name = parse_id(picture_id)
    assert name is not None, picture_id
    files = []
    for extension in extensions:
        path = directory / f"{picture_id}.{extension}"
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size_bytes = file.tell()
        files.append({"name": path.name, "format": extension, "bytes": size_bytes, "sha256": digest})
    facts = {
        "id": picture_id,
        "kind": name.kind,
        "frames": [name.frame],
        "first_at": iso(name.at),
        "last_at": iso(name.at),
        "boot": name.boot,
        "recovered": True,
        "files": files,
    }
    like = (directory / f"{picture_id}.{extensions[0]}").stat()
    place_new(directory / f"{picture_id}.{SIDECAR}", sidecar_bytes(facts), like.st_mode & 0o777, like.st_gid)


def _state(path: Path) -> _State:
    """Return whether a file is a complete picture, a partial one, or something else.

    Raises:
        OSError: It cannot be read.
    """
    extension = path.suffix[1:]
    begin, end = _BEGIN[extension], _END.get(extension, b"")
    with path.open("rb") as file:
        first = file.read(_HEADER_BYTES)
        size_bytes = file.seek(0, os.SEEK_END)
        file.seek(max(0, size_bytes - len(end)))
        last = file.read()
    if not begin.startswith(first[: len(begin)]):
        return "foreign"
    if extension == "npy":
        header = parse_npy_header(first)
        return "whole" if header is not None and size_bytes == header[1] + prod(header[0]) else "half"
    return "whole" if size_bytes > len(begin) + len(end) and last == end else "half"


def _is_recording(directory: Path, media_id: str) -> bool:
    """Tell whether a side-car belongs to an unfinished film."""
    return (directory / unfinished_film(media_id)).exists()
