"""Film in progress: the fragmented file ``.<id>.mp4.rec`` with its metadata in the header.

`film_finish` converts it to a closed film.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pi_cam_node.base.atomic_files import FILE_MODE, sync_directory
from pi_cam_node.core.file_access import OWNER_ONLY, FileAccess
from pi_cam_node.core.film import Film
from pi_cam_node.core.media_ids import unfinished_film
from pi_cam_node.core.rules.recording import EndReason
from pi_cam_node.imaging.packet import TIMESCALE_HZ, pts_of
from pi_cam_node.recording.film_facts import FilmFacts
from pi_cam_node.recording.film_finish import finish
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.mp4.fragmented import FragmentedWriter


class FilmFile:
    """A film that is being written. Thread: one.

    Attributes:
        end_mono_s: End of its last picture, where it is known.
    """

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
        self._path = directory / unfinished_film(facts.id)
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
        self.end_mono_s: float | None = None

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
        self._writer.add(data, self._ticks(mono_s), key)
        self.frames += 1
        self.last_mono_s = mono_s

    def add_sound(self, data: bytes, ticks: int, sound: bytes) -> None:
        """Append a frame of sound; skipped if it began before the film, or has another format.

        Args:
            data: The frame.
            ticks: Its monotonic time in ticks of `TIMESCALE_HZ`.
            sound: Its AudioSpecificConfig; empty: skip.
        """
        if sound and sound == self.track_boxes.sound:
            self._writer.add_sound(data, ticks - pts_of(self.facts.first_mono_s))

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
        *,
        span_s: float | None = None,
    ) -> Film | None:
        """Finish the film; return it, or ``None`` if nothing of it is on disk.

        Args:
            reason: Why it ends.
            gap_s: Lost seconds of it.
            beat: Called regularly, as a card may be slow.
            event: Current metadata of its event.
            span_s: Time that a timelapse shows; ``None``: an interval for each picture.

        Raises:
            OSError: The folder is missing; the next start repairs the film.
        """
        with suppress(OSError):  # the disk is full; earlier data is complete
            self._writer.finish(None if self.end_mono_s is None else self._ticks(self.end_mono_s))
        os.close(self._descriptor)
        facts = self.facts if event is None else replace(self.facts, event=event)
        return finish(self._directory, facts, reason, gap_s, beat, access=self._access, span_s=span_s)

    def _ticks(self, mono_s: float) -> int:
        return round((mono_s - self.facts.first_mono_s) * TIMESCALE_HZ)

    def discard(self) -> None:
        """Remove the film in progress."""
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)
