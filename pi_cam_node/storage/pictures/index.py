"""Index of the saved pictures in memory: order, sizes and times, without reading the disk."""

from __future__ import annotations

from collections.abc import Iterator

from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.media_ids import parse_id
from pi_cam_node.storage.pictures.records import Entry, Records, key_of


@frozen
class Usage:
    """Number and bytes of the saved pictures.

    Attributes:
        size_bytes: Total size of their files.
        count: Number of pictures.
    """

    size_bytes: int
    count: int


class Index:
    """Index of the saved pictures, oldest first.

    Pictures of earlier runs are ordered by the UTC in their names, those of this run by the order of saving, whatever
    the wall clock.

    Thread: the worker; `newest` any; `usage` any, as of the last `publish`.
    """

    def __init__(self) -> None:
        self._records = Records()
        self._earlier = 0  # number of pictures of earlier runs, which are sorted by key
        self._size_bytes = 0
        self._film_bytes = 0
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
        return iter(self._records)

    def __reversed__(self) -> Iterator[Entry]:
        return reversed(self._records)

    def newest(self, count: int) -> tuple[str, ...]:
        """Return the ids of the newest pictures, the newest first."""
        return tuple(entry.id for entry in self._records.newest(count))

    def find(self, picture_id: str) -> Entry:
        """Return the entry of a picture.

        Raises:
            KeyError: There is none.
        """
        name = parse_id(picture_id)
        if name is None:
            raise KeyError(picture_id)
        return self.get(key_of(name))

    def get(self, key: bytes) -> Entry:
        """Return the entry of a picture by its key.

        Raises:
            KeyError: There is none.
        """
        return self._records[self._place(key)]

    def add(self, entry: Entry) -> None:
        """Add the newest picture."""
        self._records.append(entry)
        self._count(entry, 1)

    def forget(self, key: bytes) -> None:
        """Remove the entry of a deleted picture."""
        place = self._place(key)
        self._count(self._records[place], -1)
        del self._records[place]
        if place < self._earlier:
            self._earlier -= 1

    def note(self, key: bytes, *, clock_set: bool | None, kept: bool) -> Entry:
        """Store what a side-car says, and return the new entry."""
        place = self._place(key)
        old = self._records[place]
        entry = Entry.of(key, old.extensions, old.size_bytes, old.saved_mono_s, clock_set=clock_set, kept=kept)
        self._records[place] = entry
        return entry

    def reconcile(self, found: Records) -> None:
        """Update the index from a listing of the folder: new and missing pictures, changed sizes.

        Args:
            found: What the folder has, sorted; taken over.
        """
        ours, is_ours = Records(), bytearray(len(found))
        for old in self:
            if old.saved_mono_s is None and old.clock_set is None and old.kept is None:
                continue
            place = found.sorted_place(old.key, 0, len(found))
            if place is None:
                continue
            now = found[place]
            told = {"clock_set": old.clock_set, "kept": old.kept}
            entry = Entry.of(old.key, now.extensions, now.size_bytes, old.saved_mono_s, **told)
            if old.saved_mono_s is None:
                found[place] = entry
            else:
                is_ours[place] = True
                ours.append(entry)
        self._earlier = len(found) - len(ours)
        if len(ours):
            earlier = Records()
            for place, entry in enumerate(found):
                if not is_ours[place]:
                    earlier.append(entry)
            for entry in ours:
                earlier.append(entry)
            found = earlier
        self._records = found
        self._size_bytes = self._film_bytes = 0
        for entry in self:
            self._count(entry, 1)

    def publish(self) -> None:
        """Publish number and bytes to other threads."""
        self._usage = Usage(self._size_bytes, len(self._records))

    def _count(self, entry: Entry, times: int) -> None:
        size_bytes = times * entry.size_bytes
        self._size_bytes += size_bytes
        self._film_bytes += size_bytes * entry.is_film

    def _place(self, key: bytes) -> int:
        earlier, count = self._earlier, len(self._records)
        place = self._records.sorted_place(key, 0, earlier)
        if place is None:  # those of this run are sorted, too, unless the clock was set back
            place = self._records.sorted_place(key, earlier, count)
        if place is None:
            place = self._records.any_place(key, earlier)
        if place is None:
            raise KeyError(key)
        return place
