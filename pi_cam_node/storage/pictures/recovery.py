"""Recovery after a killed node: adopts whole files without side-car, removes partial ones. At start only.

A file gets its final name when it is whole and synced, and the side-car comes last. So a picture without one was cut
off between its files. A file system without hard links can leave an empty file under a final name, one that lost its
tail a half. What does not begin as its name says was never written by the node, and stays.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from pi_cam_node.base.atomic_files import place_new, sync_directory
from pi_cam_node.base.clock import iso
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.media_ids import FILM_FORMAT, SIDECAR, parse_id, unfinished_film
from pi_cam_node.storage.pictures.sidecar import content

_log = logging.getLogger(__name__)

# How a file of each format begins and ends; an array ends where its header says.
_BEGIN = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "npy": b"\x93NUMPY"}
_END = {"jpg": b"\xff\xd9", "png": b"\x00\x00\x00\x00IEND\xaeB`\x82"}

_State = Literal["whole", "half", "foreign"]


@frozen
class Recovered:
    """Result of a recovery.

    Attributes:
        adopted: Ids of pictures that got a side-car.
        removed: Names of files that were no picture.
    """

    adopted: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def recover(directory: Path, found: Mapping[str, Mapping[str, int]], beat: Callable[[], None]) -> Recovered:
    """Adopt or remove what has no side-car, and side-cars that have nothing beside them. Films are the recorder's.

    What cannot be read or written stays as it is, and is named in the log.

    Args:
        directory: The folder.
        found: Bytes of each file in it, by id and extension.
        beat: Called at each picture.
    """
    adopted: list[str] = []
    removed: list[str] = []
    for picture_id, sizes in found.items():
        if FILM_FORMAT in sizes or (SIDECAR in sizes and len(sizes) > 1):
            continue
        beat()
        try:
            if tuple(sizes) == (SIDECAR,):
                if not _is_recording(directory, picture_id):
                    removed.append(f"{picture_id}.{SIDECAR}")
                    (directory / removed[-1]).unlink(missing_ok=True)
                continue
            states = {extension: _state(directory / f"{picture_id}.{extension}") for extension in sizes}
            for half in [extension for extension, state in states.items() if state == "half"]:
                removed.append(f"{picture_id}.{half}")
                (directory / removed[-1]).unlink(missing_ok=True)
            whole = [extension for extension, state in states.items() if state == "whole"]
            if whole:
                _adopt(directory, picture_id, whole)
                adopted.append(picture_id)
        except OSError as error:
            _log.warning("%s, which a killed node left, stays as it is: %s", picture_id, error)
    if adopted or removed:
        sync_directory(directory)
        _log.warning("after a crash: adopted %d pictures, removed %d files that were none", len(adopted), len(removed))
    return Recovered(tuple(adopted), tuple(removed))


def _adopt(directory: Path, picture_id: str, extensions: list[str]) -> None:
    """Write the side-car that a picture lacks, with what its name and its files tell."""
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
    place_new(directory / f"{picture_id}.{SIDECAR}", content(facts), like.st_mode & 0o777, like.st_gid)


def _state(path: Path) -> _State:
    """Tell whether a file is a picture from its first byte to its last, the beginning of one, or something else.

    Raises:
        OSError: It cannot be read.
    """
    extension = path.suffix[1:]
    begin, end = _BEGIN[extension], _END.get(extension, b"")
    with path.open("rb") as file:
        first = file.read(len(begin))
        size_bytes = file.seek(0, os.SEEK_END)
        file.seek(max(0, size_bytes - len(end)))
        last = file.read()
    if not begin.startswith(first):
        return "foreign"
    if extension == "npy":
        return "whole" if _is_whole_array(path) else "half"
    return "whole" if size_bytes > len(begin) + len(end) and last == end else "half"


def _is_whole_array(path: Path) -> bool:
    """Tell whether an array is as long as its header says. Source: numpy's description of the format, version 1.0."""
    with path.open("rb") as file:
        prefix = file.read(10)
        header = file.read(int.from_bytes(prefix[8:10], "little"))
        left_bytes = file.seek(0, os.SEEK_END) - len(prefix) - len(header)
    shape = re.search(rb"'shape': \(([0-9]+), ([0-9]+), 3\)", header)
    return shape is not None and b"'|u1'" in header and left_bytes == int(shape[1]) * int(shape[2]) * 3


def _is_recording(directory: Path, media_id: str) -> bool:
    """Tell whether a side-car belongs to a film that is not closed yet."""
    return (directory / unfinished_film(media_id)).exists()
