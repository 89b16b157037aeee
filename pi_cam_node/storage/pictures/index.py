"""Index of the saved pictures in memory: order, sizes and times, without reading the disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.media_ids import FILM_FORMAT, parse_id


@frozen
class Usage:
    """Number and bytes of the saved pictures.

    Attributes:
        size_bytes: Total size of their files.
        count: Number of pictures.
    """

    size_bytes: int
    count: int


@dataclass(slots=True)
class Entry:
    """One saved picture.

    Attributes:
        id: Its id.
        epoch_s: Time in its name, UTC epoch seconds.
        extensions: Extensions of its files, including the side-car.
        size_bytes: Total size of its files.
        saved_mono_s: When it was saved, monotonic seconds; ``None`` for pictures of earlier runs.
        clock_set: Whether UTC was synchronised when it was saved; ``None``: side-car not read yet.
        kept: Whether it is protected from retention; ``None``: side-car not read yet.
    """

    id: str
    epoch_s: float
    extensions: tuple[str, ...]
    size_bytes: int
    saved_mono_s: float | None = None
    clock_set: bool | None = None
    kept: bool | None = None

    @property
    def is_film(self) -> bool:
        """Whether the entry is a film, which has its own limits."""
        return FILM_FORMAT in self.extensions


class Index:
    """Index of the saved pictures, oldest first.

    Pictures of earlier runs are ordered by the UTC in their names, those of this run by the order of saving, whatever
    the wall clock.

    Thread: the worker; `newest` and `usage` any, as of the last `publish`.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._size_bytes = 0
        self._film_bytes = 0
        self._ids: tuple[str, ...] = ()
        self._usage: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """Number and bytes of the pictures; ``None`` before the folder was read."""
        return self._usage

    @property
    def size_bytes(self) -> int:
        """Size of all files of all pictures at this moment, in bytes."""
        return self._size_bytes

    @property
    def film_bytes(self) -> int:
        """Size of all files of all films at this moment, in bytes."""
        return self._film_bytes

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def newest(self, count: int) -> tuple[str, ...]:
        """Return the ids of the newest pictures, the newest first."""
        return self._ids[: -count - 1 : -1] if count > 0 else ()

    def get(self, picture_id: str) -> Entry:
        """Return the entry of a picture.

        Raises:
            KeyError: There is none.
        """
        return self._entries[picture_id]

    def add(self, entry: Entry) -> None:
        """Add the newest picture."""
        self._entries[entry.id] = entry
        self._size_bytes += entry.size_bytes
        self._film_bytes += entry.size_bytes * entry.is_film

    def forget(self, picture_id: str) -> None:
        """Remove the entry of a deleted picture."""
        entry = self._entries.pop(picture_id)
        self._size_bytes -= entry.size_bytes
        self._film_bytes -= entry.size_bytes * entry.is_film

    def reconcile(self, found: Mapping[str, Mapping[str, int]]) -> None:
        """Update the index from a listing of the folder: new and missing pictures, changed sizes.

        Args:
            found: Size of each file by picture id and extension.
        """
        ours = [entry for entry in self if entry.saved_mono_s is not None and entry.id in found]
        for entry in ours:
            entry.extensions, entry.size_bytes = tuple(found[entry.id]), sum(found[entry.id].values())
        known = {entry.id for entry in ours}
        others = [self._found(picture_id, found[picture_id]) for picture_id in sorted(found.keys() - known)]
        self._entries = {entry.id: entry for entry in (*others, *ours)}
        self._size_bytes = sum(entry.size_bytes for entry in self)
        self._film_bytes = sum(entry.size_bytes for entry in self if entry.is_film)

    def publish(self) -> None:
        """Publish the present state to other threads."""
        self._ids = tuple(self._entries)
        self._usage = Usage(self._size_bytes, len(self._entries))

    def _found(self, picture_id: str, sizes: Mapping[str, int]) -> Entry:
        before = self._entries.get(picture_id)
        name = parse_id(picture_id)
        assert name is not None, picture_id
        clock_set, kept = (before.clock_set, before.kept) if before else (None, None)
        epoch_s, size_bytes = name.at.timestamp(), sum(sizes.values())
        return Entry(picture_id, epoch_s, tuple(sizes), size_bytes, clock_set=clock_set, kept=kept)
