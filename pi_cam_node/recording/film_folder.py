"""Folder of the films: names and creates new ones, and removes the oldest to make room for them.

The archive applies the limits on the size and the age of all films, after each film.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

from pi_cam_node.base.atomic_files import make_directory, sync_directory
from pi_cam_node.base.clock import Clock, clock_is_set, utc_of
from pi_cam_node.base.errors import NoSpace
from pi_cam_node.base.file_system import joined
from pi_cam_node.base.strict_json import read_object
from pi_cam_node.config import StorageConfig
from pi_cam_node.core.file_access import FileAccess
from pi_cam_node.core.history import FilmKind
from pi_cam_node.core.media_ids import MediaName, boot_in, is_film_id
from pi_cam_node.core.sidecar import is_kept
from pi_cam_node.recording.film_facts import FilmFacts
from pi_cam_node.recording.film_file import FilmFile
from pi_cam_node.recording.mp4.boxes import TrackBoxes

_log = logging.getLogger(__name__)

# Free space required before a film begins.
_FILM_BYTES = 4 << 20


class FilmFolder:
    """The folder of the films. Thread: any.

    Attributes:
        directory: The folder.
    """

    def __init__(
        self,
        directory: Path,
        boot: str,
        clock: Clock,
        *,
        storage: Callable[[], StorageConfig],
        removed: Callable[[str], None],
    ) -> None:
        """Access nothing yet.

        Args:
            directory: The folder; made before the first film where it is not there.
            boot: First 8 hex digits of the boot id.
            clock: Tells the time.
            storage: Returns the settings in force: mode and group of the films, and the bytes that must stay free.
            removed: Called with the id of each film that was removed to make room.
        """
        self.directory, self._boot, self._clock = directory, boot, clock
        self._storage, self._removed = storage, removed
        # Each kind has numbers of its own, so that ids are unique within a boot.
        self._numbers = {"recording": count(1), "clip": count(500_001), "timelapse": count(800_001)}
        self._lock = threading.Lock()

    @property
    def access(self) -> FileAccess:
        """Mode and group of films and their side-cars."""
        return FileAccess.of(self._storage())

    def new_facts(self, kind: FilmKind, mono_s: float, *, masked: bool) -> FilmFacts:
        """Return the metadata of a new film, with an id of its own; its cause is the kind.

        Args:
            kind: Kind of the film.
            mono_s: Monotonic time of its first picture.
            masked: Whether parts of the picture are masked.
        """
        at = utc_of(mono_s, self._clock)
        name = MediaName(at, self._boot, next(self._numbers[kind]), kind).id
        return FilmFacts(name, kind, "", kind, mono_s, at, mono_s, self._boot, clock_is_set(), masked)

    def new_film(self, facts: FilmFacts, track: TrackBoxes, *, is_durable: bool = True) -> FilmFile:
        """Create the file of a film, after `prepare`; see `FilmFile`."""
        return FilmFile(self.directory, facts, track, self.access, is_durable=is_durable)

    def prepare(self) -> None:
        """Make the folder, where it is not there, and room for a film; raise as `make_room`."""
        access = self.access
        make_directory(self.directory, access.directory_mode, access.group_id)
        self.make_room(_FILM_BYTES)

    def make_room(self, size_bytes: int) -> None:
        """Remove the oldest films that are not kept until there is room for another of this size.

        Raises:
            NoSpace: There is none, and no film is left that could make it.
            OSError: The disk does not answer.
        """
        min_free_bytes = self._storage().min_free_bytes
        least_bytes = min_free_bytes + size_bytes
        with self._lock:
            if self._free_bytes() >= least_bytes:
                return
            for film in self._films():
                if not self._is_kept(film):
                    self._remove(film)
                if self._free_bytes() >= least_bytes:
                    return
            raise NoSpace(
                f"{self._free_bytes()} bytes are free on the disk of {self.directory}, and "
                f"storage.min_free_bytes keeps {min_free_bytes} of them"
            )

    def _films(self) -> list[str]:
        """Return the ids of the films, oldest first: those of this run last, as the clock may not be set."""
        with os.scandir(self.directory) as listing:
            found = (
                film
                for entry in listing  # one by one: there may be a hundred thousand pictures
                if entry.name.endswith(".mp4")
                and is_film_id(film := entry.name.removesuffix(".mp4"))
                and entry.is_file(follow_symlinks=False)
            )
            return sorted(found, key=lambda film: (boot_in(film) == self._boot, film))

    def _free_bytes(self) -> int:
        status = os.statvfs(self.directory)
        return status.f_bavail * status.f_frsize

    def _is_kept(self, film: str) -> bool:
        try:
            return is_kept(read_object(joined(self.directory, f"{film}.json")) or {})
        except OSError:
            return False

    def _remove(self, film: str) -> None:
        """Remove a film, its side-car last: as long as it is there the rest is known to be a film."""
        for extension in ("mp4", "json"):
            (self.directory / f"{film}.{extension}").unlink(missing_ok=True)
        sync_directory(self.directory)
        self._removed(film)
        _log.info("removed the old film %s to make room", film)
