"""Disk quota: removes the oldest pictures beyond the limits, and frees space for the next one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from pi_cam_node.base.atomic_files import sync_directory
from pi_cam_node.base.clock import Clock, IsClockSynced
from pi_cam_node.base.errors import NoSpace
from pi_cam_node.base.file_system import joined
from pi_cam_node.config import FORMATS, StorageConfig
from pi_cam_node.core.media_ids import FILM_FORMAT, SIDECAR
from pi_cam_node.core.sidecar import clock_was_set, is_kept
from pi_cam_node.storage.directory import LEAST_INODES, FreeSpace, free_space
from pi_cam_node.storage.io_heartbeat import IoHeartbeat
from pi_cam_node.storage.pictures.index import Index
from pi_cam_node.storage.pictures.records import Entry
from pi_cam_node.storage.pictures.retention import Held, Limits, plan
from pi_cam_node.storage.pictures.sidecar import read_sidecar

_log = logging.getLogger(__name__)

DAY_S = 86_400.0
# Rounds of make_room. File sizes are a little less than the disk space they free, so one round suffices for bytes;
# inodes may need more.
ROUNDS = 8
# Undeletable pictures tolerated in one attempt; each causes another pass over all pictures.
MOST_UNDELETABLE = 16


class Quota:
    """Removes the oldest pictures of a folder. Thread: one, whose heartbeat beats at disk calls.

    Attributes:
        free_bytes: Free bytes of the disk as of the last check; ``None`` if unknown. Thread: any.
    """

    def __init__(
        self,
        directory: Path,
        index: Index,
        clock: Clock,
        clock_set: IsClockSynced,
        heartbeat: IoHeartbeat,
        *,
        film_removed: Callable[[str], None] = lambda _film_id: None,
    ) -> None:
        self._directory = directory
        self._film_removed = film_removed
        self._index = index
        self._clock = clock
        self._clock_set = clock_set
        self._heartbeat = heartbeat
        self._undeletable: set[bytes] = set()
        self.free_bytes: int | None = None

    def retry_undeletable(self) -> None:
        """Retry pictures that could not be removed."""
        self._undeletable.clear()

    def measure(self, directory: Path) -> FreeSpace:
        """Return the free space of a directory's disk, and store its bytes.

        Raises:
            OSError: The file system does not report it.
        """
        try:
            free = free_space(directory)
        except OSError:
            self.free_bytes = None
            raise
        self.free_bytes = free.free_bytes
        return free

    def make_room(self, size_bytes: int, limits: StorageConfig, directory: Path | None = None) -> None:
        """Remove pictures until a file of this size leaves the reserve free.

        Args:
            size_bytes: Size of the file.
            limits: Settings with the reserve.
            directory: Used if the folder does not exist yet.

        Raises:
            NoSpace: Removing pictures does not free enough space.
            OSError: The file system does not say what it has.
        """
        directory = directory or self._directory
        free = self.measure(directory)
        for _ in range(ROUNDS):
            shortfall_bytes = _shortfall(free, size_bytes, limits)
            if not shortfall_bytes or not self._free(limits, shortfall_bytes):
                break
            # Btrfs and others free space only once the deletion is on disk.
            self._heartbeat.beat()
            sync_directory(directory)
            free = self.measure(directory)
        if _shortfall(free, size_bytes, limits):
            raise NoSpace(
                f"{free.free_bytes} bytes are free on the disk of {self._directory}, "
                f"and storage.min_free_bytes keeps {limits.min_free_bytes} of them",
                data={"free_bytes": free.free_bytes, "min_free_bytes": limits.min_free_bytes},
            )

    def tidy(self, limits: StorageConfig) -> int:
        """Remove pictures beyond the limits of age and size; return their number.

        Raises:
            OSError: The file system does not say what it has.
        """
        if not self._index.size_bytes:
            return 0
        shortfall_bytes = _shortfall(self.measure(self._directory), 0, limits)
        return self._free(limits, shortfall_bytes)

    def is_over(self, limits: StorageConfig) -> bool:
        """Tell whether pictures or films exceed their size limits."""
        films, pictures = (Limits(max_bytes=bounds.max_bytes) for bounds in self._bounds(limits))
        return not (self._is_within(films, is_film=True) and self._is_within(pictures, is_film=False))

    def _free(self, limits: StorageConfig, shortfall_bytes: int) -> int:
        """Remove pictures beyond the limits, or the next ones if one is undeletable; return their number."""
        for _ in range(MOST_UNDELETABLE):
            known = len(self._undeletable)
            gone = self._remove(self._victims(limits, shortfall_bytes))
            if gone or len(self._undeletable) == known:
                return gone
        return 0

    def _victims(self, limits: StorageConfig, shortfall_bytes: int) -> list[bytes]:
        """Return the keys of the pictures to remove, in order."""
        films, pictures = self._bounds(limits)
        if not shortfall_bytes and self._is_within(films, is_film=True) and self._is_within(pictures, is_film=False):
            return []
        trusted = self._clock_set()
        going: list[bytes] = []
        for bounds, is_film in ((pictures, False), (films, True)):
            held = _Reread(partial(self._held, bounds.max_age_s, trusted=trusted, is_film=is_film))
            going += plan(held, bounds, self._is_kept)
        lacking_bytes = shortfall_bytes - sum(self._index.get(key).size_bytes for key in going)
        if lacking_bytes > 0:
            rest = _Reread(partial(self._rest, {*going, *self._undeletable}))
            going += plan(rest, Limits(to_free_bytes=lacking_bytes), self._is_kept)
        return going

    def _held(self, max_age_s: float, *, trusted: bool, is_film: bool) -> Iterator[Held[bytes]]:
        for entry in self._index:
            if entry.is_film is is_film and entry.key not in self._undeletable:
                yield Held(entry.key, entry.size_bytes, self._age_s(entry, max_age_s, trusted) if max_age_s else None)

    def _rest(self, gone: set[bytes]) -> Iterator[Held[bytes]]:
        for entry in self._index:
            if entry.key not in gone:
                yield Held(entry.key, entry.size_bytes, None)

    def _bounds(self, limits: StorageConfig) -> tuple[Limits, Limits]:
        """Return the limits of films and of pictures, reduced by undeletable ones."""
        staying = [self._index.get(key) for key in self._undeletable]
        films = sum(entry.size_bytes for entry in staying if entry.is_film)
        pictures = sum(entry.size_bytes for entry in staying if not entry.is_film)
        recordings = limits.recordings
        # At least 1, since 0 means no limit.
        return (
            Limits(recordings.max_bytes and max(1, recordings.max_bytes - films), recordings.max_age_days * DAY_S),
            Limits(limits.max_bytes and max(1, limits.max_bytes - pictures), limits.max_age_days * DAY_S),
        )

    def _is_within(self, bounds: Limits, *, is_film: bool) -> bool:
        """Whether retention has nothing to do: no age limit, and size within the limit."""
        size_bytes = self._index.film_bytes if is_film else self._index.size_bytes - self._index.film_bytes
        return not bounds.max_age_s and (not bounds.max_bytes or size_bytes <= bounds.max_bytes)

    def _age_s(self, entry: Entry, max_age_s: float, trusted: bool) -> float | None:
        """Return the age of a picture; by the monotonic clock if it was saved in this run."""
        if entry.saved_mono_s is not None:
            return self._clock.monotonic() - entry.saved_mono_s
        if not trusted:
            return None
        age_s = self._clock.utcnow().timestamp() - entry.epoch_s
        if 0 < max_age_s < age_s and entry.clock_set is None:
            # The time in its name may be from before the clock was set; the side-car is only read for candidates.
            entry = self._read_sidecar(entry)
        return None if entry.clock_set is False else age_s

    def _is_kept(self, key: bytes) -> bool:
        entry = self._index.get(key)
        return (self._read_sidecar(entry) if entry.kept is None else entry).kept is True

    def _read_sidecar(self, entry: Entry) -> Entry:
        self._heartbeat.beat()
        facts = read_sidecar(joined(self._directory, f"{entry.id}.{SIDECAR}"))
        return self._index.note(entry.key, clock_set=clock_was_set(facts), kept=is_kept(facts))

    def _remove(self, keys: list[bytes]) -> int:
        """Remove pictures; return their number. An undeletable one is logged once until `retry_undeletable`."""
        gone, freed_bytes = 0, 0
        for key in keys:
            entry = self._index.get(key)
            self._heartbeat.beat()
            try:
                self._unlink(entry)
            except OSError as error:
                _log.warning("the old picture %s cannot be removed: %s", entry.id, error)
                self._undeletable.add(key)
                continue
            self._index.forget(key)
            gone, freed_bytes = gone + 1, freed_bytes + entry.size_bytes
        if gone:
            _log.info("removed %d old pictures, %d bytes", gone, freed_bytes)
        return gone

    def remove(self, entry: Entry) -> None:
        """Remove one picture or film from disk and index.

        Raises:
            OSError: A file cannot be removed.
        """
        self._unlink(entry)
        self._undeletable.discard(entry.key)
        self._index.forget(entry.key)

    def _unlink(self, entry: Entry) -> None:
        """Remove a picture's files, the side-car last, as it identifies the rest as a picture."""
        is_removed, picture_id = False, entry.id
        for extension in (*FORMATS, FILM_FORMAT, SIDECAR):
            if extension in entry.extensions:
                with suppress(FileNotFoundError):  # deleted by hand, or the disk is not mounted: keep the row
                    os.unlink(joined(self._directory, f"{picture_id}.{extension}"))  # noqa: PTH108
                    is_removed = True
        if entry.is_film and is_removed:
            self._film_removed(picture_id)


class _Reread:
    """Entries that are read from the index at each pass, as all of them together could take much memory."""

    def __init__(self, read: Callable[[], Iterator[Held[bytes]]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Held[bytes]]:
        return self._read()


def _shortfall(free: FreeSpace, size_bytes: int, limits: StorageConfig) -> int:
    """Return the bytes to free; 1 if only inodes are missing."""
    shortfall_bytes = max(0, limits.min_free_bytes + size_bytes - free.free_bytes)
    return max(shortfall_bytes, 1) if free.free_inodes < LEAST_INODES else shortfall_bytes
