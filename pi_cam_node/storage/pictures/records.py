"""Packed records of saved pictures: 43 bytes each, where objects and texts would take ten times as much."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pi_cam_node.base.frozen import statically_frozen
from pi_cam_node.config import FORMATS
from pi_cam_node.core.history import MEDIA_KINDS
from pi_cam_node.core.media_ids import FILM_FORMAT, SIDECAR, MediaName

EXTENSIONS = (*FORMATS, FILM_FORMAT, SIDECAR)
# Big-endian and in the order of an id's parts, so that keys sort as ids do: by time first.
_KEY = struct.Struct(">QIQBI")
_FACTS = struct.Struct(">QdBB")
KEY_BYTES = _KEY.size
RECORD_BYTES = _KEY.size + _FACTS.size
_FIRST_DAY, _MILLISECOND = datetime(1, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_EPOCH_MS = (datetime(1970, 1, 1, tzinfo=UTC) - _FIRST_DAY) // _MILLISECOND
_KINDS = sorted(MEDIA_KINDS)
_SETS = [tuple(e for bit, e in enumerate(EXTENSIONS) if bits >> bit & 1) for bits in range(1 << len(EXTENSIONS))]
_TOLD = (None, False, True)


def key_of(name: MediaName) -> bytes:
    """Return the packed id of a picture."""
    ms = (name.at - _FIRST_DAY) // _MILLISECOND
    return _KEY.pack(ms, int(name.boot, 16), name.frame, _KINDS.index(name.kind), name.again)


def first_key_at(at: datetime) -> bytes:
    """Return a key that is not above those of pictures at a time or later, and above those of earlier ones."""
    return _KEY.pack(-((_FIRST_DAY - at) // _MILLISECOND), 0, 0, 0, 0)


@statically_frozen
class Entry:
    """One saved picture.

    Attributes:
        record: Its packed record; the rest is read from that when asked for.
    """

    record: bytes

    @staticmethod
    def of(
        key: bytes,
        extensions: Sequence[str],
        size_bytes: int,
        saved_mono_s: float | None = None,
        *,
        clock_set: bool | None = None,
        kept: bool | None = None,
    ) -> Entry:
        """Return an entry with these facts; see the properties."""
        held = sum(1 << EXTENSIONS.index(extension) for extension in extensions)
        saved_s = math.nan if saved_mono_s is None else saved_mono_s
        told = 3 * _TOLD.index(clock_set) + _TOLD.index(kept)
        return Entry(key + _FACTS.pack(size_bytes, saved_s, held, told))

    @property
    def key(self) -> bytes:
        """Its packed id."""
        return self.record[:KEY_BYTES]

    @property
    def name(self) -> MediaName:
        """The parts of its id."""
        ms, boot, frame, kind, again = _KEY.unpack_from(self.record)
        return MediaName(_FIRST_DAY + ms * _MILLISECOND, f"{boot:08x}", frame, _KINDS[kind], again)

    @property
    def id(self) -> str:
        """Its id."""
        return self.name.id

    @property
    def kind(self) -> str:
        """Kind of picture or film."""
        return _KINDS[self.record[KEY_BYTES - 5]]

    @property
    def epoch_s(self) -> float:
        """Time in its name, UTC epoch seconds."""
        return (int.from_bytes(self.record[:8]) - _EPOCH_MS) / 1000

    @property
    def size_bytes(self) -> int:
        """Total size of its files."""
        return int.from_bytes(self.record[KEY_BYTES : KEY_BYTES + 8])

    @property
    def saved_mono_s(self) -> float | None:
        """When it was saved, monotonic seconds; ``None`` for pictures of earlier runs."""
        saved_s: float = _FACTS.unpack_from(self.record, KEY_BYTES)[1]
        return None if math.isnan(saved_s) else saved_s

    @property
    def extensions(self) -> tuple[str, ...]:
        """Extensions of its files, including the side-car."""
        return _SETS[self.record[-2]]

    @property
    def clock_set(self) -> bool | None:
        """Whether UTC was synchronised when it was saved; ``None``: side-car not read yet."""
        return _TOLD[self.record[-1] // 3]

    @property
    def kept(self) -> bool | None:
        """Whether it is protected from retention; ``None``: side-car not read yet."""
        return _TOLD[self.record[-1] % 3]

    @property
    def is_film(self) -> bool:
        """Whether the entry is a film, which has its own limits."""
        return FILM_FORMAT in self.extensions


class Records:
    """Entries one after another in one block of memory."""

    def __init__(self) -> None:
        self._block = bytearray()

    def __len__(self) -> int:
        return len(self._block) // RECORD_BYTES

    def __iter__(self) -> Iterator[Entry]:
        return (self[place] for place in range(len(self)))

    def __reversed__(self) -> Iterator[Entry]:
        return (self[place] for place in range(len(self) - 1, -1, -1))

    def __getitem__(self, place: int) -> Entry:
        return Entry(bytes(self._block[place * RECORD_BYTES : (place + 1) * RECORD_BYTES]))

    def __setitem__(self, place: int, entry: Entry) -> None:
        self._block[place * RECORD_BYTES : (place + 1) * RECORD_BYTES] = entry.record

    def __delitem__(self, place: int) -> None:
        del self._block[place * RECORD_BYTES : (place + 1) * RECORD_BYTES]

    def append(self, entry: Entry) -> None:
        """Add an entry at the end."""
        self._block += entry.record

    def newest(self, count: int) -> list[Entry]:
        """Return the last entries, the last one first. Thread: any."""
        block = bytes(self._block[-count * RECORD_BYTES :]) if count > 0 else b""  # one step, so never half a record
        return [Entry(block[at : at + RECORD_BYTES]) for at in range(len(block) - RECORD_BYTES, -1, -RECORD_BYTES)]

    def sorted_place(self, key: bytes, first: int, end: int) -> int | None:
        """Return the place of a key among places that are sorted by key; ``None`` if it is not there."""
        place = bisect_left(range(end), key, first, end, key=self._key)
        return place if place < end and self._key(place) == key else None

    def any_place(self, key: bytes, first: int) -> int | None:
        """Return the place of a key from a place on, in any order; ``None`` if it is not there."""
        at = self._block.find(key, first * RECORD_BYTES)
        while at >= 0 and at % RECORD_BYTES:
            at = self._block.find(key, at + 1)
        return at // RECORD_BYTES if at >= 0 else None

    def _key(self, place: int) -> bytes:
        return bytes(self._block[place * RECORD_BYTES : place * RECORD_BYTES + KEY_BYTES])
