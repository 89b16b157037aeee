"""Film files: writing, closing, and the side-car.

A film in progress is the fragmented file ``.<id>.mp4.rec`` with its metadata in the header; a closed one the plain,
seekable file ``<id>.mp4`` with ``<id>.json`` beside it. The file in progress is deleted last, so that the next start
can finish after a crash at any point.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from pi_cam_node import __version__
from pi_cam_node.base.atomic_files import FILE_MODE, PART_SUFFIX, replace_atomically, set_access, sync_directory
from pi_cam_node.base.clock import iso
from pi_cam_node.core.file_access import OWNER_ONLY, FileAccess
from pi_cam_node.core.film import Film
from pi_cam_node.core.rules.recording import EndReason
from pi_cam_node.imaging.h264 import codec_string
from pi_cam_node.recording.film_facts import FilmFacts
from pi_cam_node.recording.film_ids import progress_path
from pi_cam_node.recording.mp4.boxes import TIMESCALE, TrackBoxes
from pi_cam_node.recording.mp4.fragmented import FragmentedWriter
from pi_cam_node.recording.mp4.parse import FragmentedFile, read_fragmented
from pi_cam_node.recording.mp4.plain import write_plain

_log = logging.getLogger(__name__)


class FilmFile:
    """A film that is being written. Thread: one."""

    def __init__(
        self,
        directory: Path,
        facts: FilmFacts,
        track: TrackBoxes,
        access: FileAccess = OWNER_ONLY,
        *,
        is_durable: bool = True,
    ) -> None:
        """Create the file, readable by the owner only until it is closed, and write its header.

        Args:
            directory: The folder, which exists.
            facts: Metadata of the film.
            track: Picture size and codecs.
            access: Mode and group of the closed film and its side-car.
            is_durable: Whether writes are synced, to survive a power cut; else only the closed film is.

        Raises:
            OSError: The file cannot be created.
        """
        self.facts, self._directory, self.track_boxes, self._access = facts, directory, track, access
        self._path = progress_path(directory, facts.id)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, FILE_MODE)
        sync = os.fdatasync if is_durable else (lambda _descriptor: None)
        try:
            self._writer = FragmentedWriter(self._descriptor, track, facts.encoded(), sync)
            if is_durable:
                sync_directory(directory)
        except OSError:
            self.discard()
            raise
        self.frames, self.last_mono_s = 0, facts.first_mono_s

    @property
    def path(self) -> Path:
        """Path of the finished film."""
        return self._directory / f"{self.facts.id}.mp4"

    @property
    def seconds(self) -> float:
        """Length so far, in seconds."""
        return self.last_mono_s - self.facts.first_mono_s

    def add(self, data: bytes, mono_s: float, *, key: bool) -> None:
        """Append a packet.

        Raises:
            FileNotFoundError: The file was deleted; checked with each key frame.
            OSError: The disk is full or gone; `close` saves what there is.
        """
        if key and not os.fstat(self._descriptor).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "the film in progress was deleted")
        ticks = round((mono_s - self.facts.first_mono_s) * TIMESCALE)
        self._writer.add(data, ticks, key)
        self.frames += 1
        self.last_mono_s = mono_s

    def add_sound(self, data: bytes, ticks: int, sound: bytes) -> None:
        """Append a frame of sound; skipped if it began before the film, or has another format.

        Args:
            data: The frame.
            ticks: Its monotonic time in ticks of `TIMESCALE`.
            sound: Its AudioSpecificConfig; empty: skip.
        """
        if sound and sound == self.track_boxes.sound:
            self._writer.add_sound(data, ticks - round(self.facts.first_mono_s * TIMESCALE))

    def flush(self) -> None:
        """Write and sync what was added.

        Raises:
            OSError: The disk is full or gone; `close` saves what there is.
        """
        self._writer.finish()

    def close(
        self,
        reason: EndReason,
        gap_s: float,
        beat: Callable[[], None] = lambda: None,
        event: Mapping[str, object] | None = None,
    ) -> Film | None:
        """Finish the film; return it, or ``None`` if nothing of it is on disk.

        Args:
            reason: Why it ends.
            gap_s: Seconds of it that were lost on the way.
            beat: Called now and then, for a card may be slow.
            event: Current metadata of its event.

        Raises:
            OSError: The folder is missing; the next start repairs the film.
        """
        with suppress(OSError):  # the disk is full; earlier data is complete
            self._writer.finish()
        os.close(self._descriptor)
        facts = self.facts if event is None else replace(self.facts, event=event)
        return finish(self._directory, facts, reason, gap_s, beat, access=self._access)

    def discard(self) -> None:
        """Remove the film in progress."""
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)


def finish(
    directory: Path,
    facts: FilmFacts,
    reason: EndReason,
    gap_s: float,
    beat: Callable[[], None] = lambda: None,
    *,
    access: FileAccess = OWNER_ONLY,
    repaired: bool = False,
) -> Film | None:
    """Make the file in progress into a film; return it, or ``None`` where it holds no whole fragment.

    Args:
        directory: The folder of the film.
        facts: Metadata of the film.
        reason: Why it ends.
        gap_s: Seconds of it that were lost on the way.
        beat: Called now and then, for a card may be slow.
        access: Mode and group of the film and its side-car.
        repaired: Whether a crash had cut it off.

    Raises:
        OSError: The folder cannot be written to.
    """
    source_path, path = progress_path(directory, facts.id), directory / f"{facts.id}.mp4"
    with source_path.open("r+b") as source:
        content = read_fragmented(source)
        if content.samples:
            size_bytes, digest, is_plain = _place(source, content, facts, path, access, beat=beat)
    if not content.samples:
        source_path.unlink()
        sync_directory(directory)
        return None
    film = _film_of(facts, content, path, size_bytes, reason=reason, gap_s=gap_s, repaired=repaired)
    if repaired:
        film = replace(film, event=facts.interrupted_event(film.last_at))
    sidecar = _sidecar(film, facts, digest, "aac" if content.sound else None)
    replace_atomically(directory / f"{facts.id}.json", sidecar, access.mode, access.group_id)
    if is_plain:
        source_path.unlink()
    else:
        source_path.rename(path)
    sync_directory(directory)
    return film


def _film_of(
    facts: FilmFacts,
    content: FragmentedFile,
    path: Path,
    size_bytes: int,
    *,
    reason: EndReason,
    gap_s: float,
    repaired: bool,
) -> Film:
    return Film(
        id=facts.id,
        kind=facts.kind,
        path=path,
        event_id=facts.event_id,
        cause=facts.cause,
        first_at=facts.first_at,
        first_mono_s=facts.first_mono_s,
        seconds=content.seconds,
        last_picture_s=content.last_picture_s,
        frames=len(content.samples),
        gap_s=gap_s,
        pre_roll_s=max(0.0, facts.event_mono_s - facts.first_mono_s),
        size_bytes=size_bytes,
        size=content.track.size,
        codec=codec_string(content.track.sps),
        reason=reason,
        repaired=repaired,
        span_s=len(content.samples) * facts.interval_s if facts.interval_s else None,
    )


def _place(
    source: BinaryIO,
    content: FragmentedFile,
    facts: FilmFacts,
    path: Path,
    access: FileAccess,
    *,
    beat: Callable[[], None],
) -> tuple[int, str, bool]:
    """Write the plain file; return its size, its digest, and whether there was room for it.

    Without room the file in progress takes its place, cut after its last whole fragment: it plays, too.
    """
    track = replace(content.track, title=f"{facts.cause} {iso(facts.first_at)}", created_at=facts.first_at.timestamp())
    part = path.with_name(f".{path.name}.{os.getpid()}{PART_SUFFIX}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as target:
            set_access(descriptor, access.mode, access.group_id)
            size_bytes, digest = write_plain(source, content, target, track, beat)
            target.flush()
            os.fsync(target.fileno())
        part.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        _log.warning("the film %s stays as it was written: %s", path.name, error)
        with suppress(OSError):
            part.unlink(missing_ok=True)
        source.truncate(content.whole_bytes)
        set_access(source.fileno(), access.mode, access.group_id)
        os.fsync(source.fileno())
        return content.whole_bytes, _digest(source), False
    return size_bytes, digest, True


def _digest(source: BinaryIO) -> str:
    digest = hashlib.sha256()
    source.seek(0)
    while part := source.read(1 << 18):
        digest.update(part)
    return digest.hexdigest()


def _sidecar(film: Film, facts: FilmFacts, digest: str, sound: str | None) -> bytes:
    width, height = film.size
    content = {
        "id": film.id,
        "kind": film.kind,
        "event_id": film.event_id or None,
        "cause": film.cause,
        "first_at": iso(film.first_at),
        "last_at": iso(film.last_at),
        "first_mono_s": film.first_mono_s,
        "last_mono_s": film.first_mono_s + film.seconds,
        "boot": facts.boot,
        "clock_set": facts.clock_set,
        "seconds": round(film.seconds, 3),
        "pre_roll_s": round(film.pre_roll_s, 3),
        "gap_s": round(film.gap_s, 3),
        "frames_count": film.frames,
        "bytes": film.size_bytes,
        "width": width,
        "height": height,
        "codec": film.codec,
        "sound": sound,
        "masked": facts.masked,
        "copied": facts.copied,
        "reason": film.reason,
        "repaired": film.repaired,
        "event": facts.event,
        "software": f"pi_cam_node {__version__}",
        "files": [{"name": film.path.name, "format": "mp4", "bytes": film.size_bytes, "sha256": digest}],
    }
    return (json.dumps(content, indent=2) + "\n").encode()
