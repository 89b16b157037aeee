"""Frees disk space for films being written, by removing the oldest that are not kept.

The archive applies the limits on the size and the age of all films, after each film.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pi_cam_node.base.atomic_files import sync_directory
from pi_cam_node.base.errors import NoSpace
from pi_cam_node.base.file_system import joined
from pi_cam_node.base.strict_json import read_object
from pi_cam_node.core.media_ids import boot_in, is_film_id

_log = logging.getLogger(__name__)


class FilmRoom(Protocol):
    """Interface that makes room for films."""

    def make(self, size_bytes: int) -> None:
        """Remove the oldest films until there is room for another of this size; raise NoSpace where there is none."""
        ...


class DiskFilmRoom:
    """Makes room for films in one folder. Thread: any, one at a time."""

    def __init__(
        self,
        directory: Path,
        boot: str,
        min_free_bytes: Callable[[], int],
        removed: Callable[[str], None] = lambda _film_id: None,
    ) -> None:
        """Access nothing yet.

        Args:
            directory: The folder of the films.
            boot: First 8 hex digits of the boot id.
            min_free_bytes: Returns the bytes that must stay free on its disk.
            removed: Called with the id of each removed film.
        """
        self._directory, self._boot, self._min_free_bytes, self._removed = directory, boot, min_free_bytes, removed
        self._lock = threading.Lock()

    def make(self, size_bytes: int) -> None:
        """See `FilmRoom.make`.

        Raises:
            NoSpace: There is none, and no film is left that could make it.
            OSError: The disk does not answer.
        """
        min_free_bytes = self._min_free_bytes()
        least_bytes = min_free_bytes + size_bytes
        with self._lock:
            for film in self._films() if self._free_bytes() < least_bytes else ():
                if not self._is_kept(film):
                    self._remove(film)
                if self._free_bytes() >= least_bytes:
                    return
            if self._free_bytes() < least_bytes:
                raise NoSpace(
                    f"{self._free_bytes()} bytes are free on the disk of {self._directory}, and "
                    f"storage.min_free_bytes keeps {min_free_bytes} of them"
                )

    def _films(self) -> list[str]:
        """Return the ids of the films, oldest first: those of this run last, as the clock may not be set."""
        with os.scandir(self._directory) as listing:
            found = (
                film
                for entry in listing  # one by one: there may be a hundred thousand pictures
                if entry.name.endswith(".mp4")
                and is_film_id(film := entry.name.removesuffix(".mp4"))
                and entry.is_file(follow_symlinks=False)
            )
            return sorted(found, key=lambda film: (boot_in(film) == self._boot, film))

    def _free_bytes(self) -> int:
        status = os.statvfs(self._directory)
        return status.f_bavail * status.f_frsize

    def _is_kept(self, film: str) -> bool:
        try:
            facts = read_object(joined(self._directory, f"{film}.json"))
        except OSError:
            return False
        return facts is not None and facts.get("kept") is True

    def _remove(self, film: str) -> None:
        """Remove a film, its side-car last: as long as it is there the rest is known to be a film."""
        for extension in ("mp4", "json"):
            (self._directory / f"{film}.{extension}").unlink(missing_ok=True)
        sync_directory(self._directory)
        self._removed(film)
        _log.info("removed the old film %s to make room", film)
