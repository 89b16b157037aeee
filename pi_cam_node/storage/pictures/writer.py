"""Writes the files of a picture atomically: either all, synced and under their final names, or none."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pi_cam_node.base.atomic_files import place_new, sync_directory
from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.file_system import joined
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import FORMATS, Format
from pi_cam_node.core.file_access import FileAccess
from pi_cam_node.core.media_ids import SIDECAR, MediaName
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.storage.io_heartbeat import IoHeartbeat
from pi_cam_node.storage.pictures.encoders import encoded
from pi_cam_node.storage.pictures.sidecar import Origin, SavedFile, sidecar

_log = logging.getLogger(__name__)

# Attempts with a new name if a file exists, before giving up.
MOST_COUNTED = 10_000


@frozen
class WriteJob:
    """Parameters for writing a picture.

    Attributes:
        directory: The folder, which exists.
        formats: Formats to write.
        quality: JPEG quality, 1 to 100.
        origin: Run of the node, for the side-car.
        make_room: Called before each file with its size; raises NoSpace.
        images: Image processing.
        heartbeat: Times disk calls.
        access: Mode and group of the files.
    """

    directory: Path
    formats: Sequence[Format]
    quality: int
    origin: Origin
    make_room: Callable[[int], None]
    images: ImageTasks
    heartbeat: IoHeartbeat
    access: FileAccess


@frozen
class Written:
    """Files written for a picture.

    Attributes:
        name: The parts of its id.
        files: One for each format, in the requested order.
        sidecar_bytes: Size of the side-car.
        jpg: Content of the JPEG, if requested.
    """

    name: MediaName
    files: tuple[SavedFile, ...]
    sidecar_bytes: int
    jpg: bytes | None

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(file.size_bytes for file in self.files) + self.sidecar_bytes


def write(picture: Picture, boot: str, job: WriteJob) -> Written:
    """Write the files of a picture under an id that is free, the side-car last, then sync the folder.

    Args:
        picture: The picture.
        boot: First 8 hex digits of the boot id.
        job: Where and how.

    Raises:
        NoSpace: The disk is full.
        NotSaved: The content is not a picture, or no id is free.
        OSError: A file could not be written. In each case no file is left.
    """
    name = MediaName(picture.first_at, boot, picture.frames[0] if picture.frames else 0, picture.kind)
    for again in range(1, MOST_COUNTED):
        name = replace(name, again=again)
        if _is_taken(name.id, job):
            continue
        try:
            return _write_as(name, picture, job)
        except FileExistsError:  # created meanwhile by another process; try the next name
            _log.info("the name %s was taken meanwhile", name.id)
    raise NotSaved(f"{MOST_COUNTED} pictures like {name.id} exist already")


def _is_taken(picture_id: str, job: WriteJob) -> bool:
    with job.heartbeat.timed():
        return any(os.path.lexists(joined(job.directory, f"{picture_id}.{e}")) for e in (*FORMATS, SIDECAR))


def _write_as(name: MediaName, picture: Picture, job: WriteJob) -> Written:
    """Write the files of a picture; formats one by one, so that only one is in memory at a time.

    Raises:
        FileExistsError: A file of this name exists; otherwise as `write`.
    """
    picture_id = name.id
    placed: list[str] = []
    files: list[SavedFile] = []
    jpg: bytes | None = None
    try:
        for wanted in job.formats:
            data = _encoded(picture, picture_id, wanted, job)
            path = joined(job.directory, f"{picture_id}.{wanted}")
            _write_file(path, data, job, placed)
            files.append(SavedFile(path, wanted, len(data), hashlib.sha256(data).hexdigest()))
            jpg = data if wanted == "jpg" else jpg
        facts = sidecar(picture, picture_id, files, job.origin)
        _write_file(joined(job.directory, f"{picture_id}.{SIDECAR}"), facts, job, placed)
        with job.heartbeat.timed():
            sync_directory(job.directory)
    except BaseException:
        with job.heartbeat.timed():
            _remove_all(placed)
        raise
    return Written(name, tuple(files), len(facts), jpg)


def _encoded(picture: Picture, picture_id: str, wanted: Format, job: WriteJob) -> bytes:
    try:
        return encoded(picture, picture_id, wanted, job.quality, job.images)
    except ValueError as error:
        raise NotSaved(f"cannot write the picture as {wanted}: {error}") from error


def _write_file(path: str, data: bytes, job: WriteJob, placed: list[str]) -> None:
    with job.heartbeat.timed():
        job.make_room(len(data))
        job.heartbeat.expect_write(len(data))
        place_new(path, data, job.access.mode, job.access.group_id)
    placed.append(path)


def _remove_all(placed: Sequence[str]) -> None:
    for path in placed:
        try:
            os.unlink(path)  # noqa: PTH108 - text, see `joined`
        except FileNotFoundError:
            continue
        except OSError as error:
            _log.warning("%s belongs to a picture that was not saved, and cannot be removed: %s", path, error)
