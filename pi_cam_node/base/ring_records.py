"""Records of a `BlockRing`, pins that keep a record readable, and readers that go from one record to the next."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from pi_cam_node.base.frozen import statically_frozen

Meta = TypeVar("Meta")


@statically_frozen
class Record(Generic[Meta]):
    """One record of a ring; the bytes are read with `BlockRing.read`.

    Attributes:
        seq: Position in the ring since it was made, from 0; never repeats.
        mono_s: Monotonic time of the record, in seconds.
        size_bytes: Length of its bytes.
        key: Whether it can be used without the records before it.
        meta: Metadata that the owner of the ring attached.
    """

    seq: int
    mono_s: float
    size_bytes: int
    key: bool
    meta: Meta


class _Ring(Protocol[Meta]):
    """What pins and readers need of the ring; see `BlockRing`."""

    def read_pinned(self, pin: Pin[Meta]) -> bytes | None:
        """Return the bytes of a pinned record."""
        ...

    def from_seq(self, seq: int) -> tuple[Record[Meta], bytes] | None:
        """Return the record of a position, or the oldest where that is newer, and its bytes."""
        ...


class Pin(Generic[Meta]):
    """A record that stays readable: its bytes are copied out when it has to make room, and not before.

    Thread: any.

    Attributes:
        record: The record.
        copy: Its bytes once it has made room; belongs to the ring, under whose lock it is set.
    """

    __slots__ = ("__weakref__", "_ring", "copy", "record")

    def __init__(self, ring: _Ring[Meta], record: Record[Meta]) -> None:
        self._ring, self.record = ring, record
        self.copy: bytes | None = None

    def read(self) -> bytes | None:
        """Return a copy of the bytes; ``None`` once the ring was cleared."""
        return self._ring.read_pinned(self)


class Reader(Generic[Meta]):
    """Reads a ring record by record, at its own pace. Thread: one, which may be another than the writer's.

    Attributes:
        lost: Records that were gone before they were read.
    """

    def __init__(self, ring: _Ring[Meta], seq: int) -> None:
        self._ring = ring
        self._seq = seq
        self.lost = 0

    def next(self) -> tuple[Record[Meta], bytes] | None:
        """Return the next record and its bytes; ``None`` where it has not come yet.

        Where the next one is gone, the oldest that is there is returned, a key, and `lost` grows.
        """
        found = self._ring.from_seq(self._seq)
        if found is not None:
            self.lost += found[0].seq - self._seq
            self._seq = found[0].seq + 1
        return found
