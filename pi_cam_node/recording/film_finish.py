"""Finishes a film: converts the file in progress to a closed film with a side-car, after recording or a crash.

A closed film is the plain, seekable file ``<id>.mp4`` with ``<id>.json`` beside it. The file in progress (see
`film_file`) is deleted last, so that the next start can finish after a crash at any point.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from io import BufferedRandom
from pathlib import Path

from pi_cam_node import __version__
from pi_cam_node.base.atomic_files import FILE_MODE, PART_SUFFIX, replace_atomically, set_access, sync_directory
from pi_cam_node.base.clock import iso
from pi_cam_node.base.file_system import joined
from pi_cam_node.core.file_access import OWNER_ONLY, FileAccess
from pi_cam_node.core.film import Film
from pi_cam_node.core.media_ids import unfinished_film
from pi_cam_node.core.rules.recording import EndReason
from pi_cam_node.core.sidecar import sidecar_bytes
from pi_cam_node.imaging.h264 import codec_string
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.film_facts import FilmFacts
from pi_cam_node.recording.mp4.parse import FragmentedFile, read_fragmented
from pi_cam_node.recording.mp4.plain import write_plain

_log = logging.getLogger(__name__)


def finish(
    directory: Path,
    facts: FilmFacts,
    reason: EndReason,
    gap_s: float,
    beat: Callable[[], None] = lambda: None,
    *,
    access: FileAccess = OWNER_ONLY,
    repaired: bool = False,
    span_s: float | None = None,
) -> Film | None:
    """Convert the file in progress to a film; return it, or ``None`` if it has no complete fragment.

    Args:
        directory: The folder of the film.
        facts: Metadata of the film.
        reason: Why it ends.
        gap_s: Lost seconds of it.
        beat: Called regularly, as a card may be slow.
        access: Mode and group of the film and its side-car.
        repaired: Whether it was truncated by a crash.
        span_s: See `FilmFile.close`.

    Raises:
        OSError: The folder cannot be written to.
    """
    source_path, path = directory / unfinished_film(facts.id), directory / f"{facts.id}.mp4"
    with source_path.open("r+b") as source:
        content = read_fragmented(source)
        if content.samples:
            size_bytes, digest, is_plain = _place(source, content, facts, path, access, beat=beat)
    if not content.samples:
        source_path.unlink()
        sync_directory(directory)
        return None
    if not facts.interval_s:
        facts = facts.begun_later(content.samples[0].ticks / TIMESCALE_HZ)
    film = _film_of(facts, content, path, size_bytes, reason=reason, gap_s=gap_s, repaired=repaired)
    if span_s is not None:
        film = replace(film, span_s=span_s)
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
    source: BufferedRandom,
    content: FragmentedFile,
    facts: FilmFacts,
    path: Path,
    access: FileAccess,
    *,
    beat: Callable[[], None],
) -> tuple[int, str, bool]:
    """Write the plain file; return its size, its digest, and whether there was space for it.

    Without space the file in progress is used instead, truncated after its last complete fragment; it plays, too,
    unless it is damaged: then it waits for space.

    Raises:
        OSError: There is no space for it.
    """
    track = replace(content.track, title=f"{facts.cause} {iso(facts.first_at)}", created_at=facts.first_at.timestamp())
    part = joined(path.parent, f".{path.name}.{os.getpid()}{PART_SUFFIX}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as target:
            set_access(descriptor, access.mode, access.group_id)
            size_bytes, digest = write_plain(source, content, target, track, beat)
            target.flush()
            os.fsync(target.fileno())
        os.replace(part, path)  # noqa: PTH105 - text, see `joined`
        sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            os.unlink(part)  # noqa: PTH108 - text, see `joined`
        if content.is_damaged:
            raise
        _log.warning("the film %s is kept as it was recorded: %s", path.name, error)
        source.truncate(content.whole_bytes)
        set_access(source.fileno(), access.mode, access.group_id)
        os.fsync(source.fileno())
        source.seek(0)
        return content.whole_bytes, hashlib.file_digest(source, "sha256").hexdigest(), False
    return size_bytes, digest, True


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
    return sidecar_bytes(content)
