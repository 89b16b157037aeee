"""Records of a `BlockRing`, pins that keep a record readable, and readers that iterate over records."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from pi_cam_node.base.frozen import statically_frozen

Meta = TypeVar("Meta")


@statically_frozen
class Record(Generic[Meta]):
    """One record of a ring; the bytes are read with `BlockRing.read`.

    Attributes:
        seq: Sequence number, from 0; never repeats.
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
    """Interface of the ring for pins and readers; see `BlockRing`."""

    def read_pinned(self, pin: Pin[Meta]) -> bytes | None:
        """Return the bytes of a pinned record."""
        ...

    def from_seq(self, seq: int) -> tuple[Record[Meta], bytes] | None:
        """Return the record of a sequence number, or the oldest if that was evicted, with its bytes."""
        ...


class Pin(Generic[Meta]):
    """A record that stays readable: its bytes are copied when it is evicted.

    Thread: any.

    Attributes:
        record: The record.
        copy: Its bytes once it was evicted; set by the ring, under its lock.
    """

    __slots__ = ("__weakref__", "_ring", "copy", "record")

    def __init__(self, ring: _Ring[Meta], record: Record[Meta]) -> None:
        self._ring, self.record = ring, record
        self.copy: bytes | None = None

    def read(self) -> bytes | None:
        """Return a copy of the bytes; ``None`` once the ring was cleared."""
        return self._ring.read_pinned(self)


class Reader(Generic[Meta]):
    """Reads a ring record by record. Thread: one, which need not be the writer's.

    Attributes:
        lost: Number of records that were evicted before they were read.
        missed: Number of these directly before the record that was returned last.
    """

    def __init__(self, ring: _Ring[Meta], seq: int) -> None:
        self._ring = ring
        self._seq = seq
        self.lost = self.missed = 0

    def next(self) -> tuple[Record[Meta], bytes] | None:
        """Return the next record and its bytes; ``None`` if there is none yet.

        If the next one was evicted, the oldest record, a key, is returned, and `lost` increases.
        """
        found = self._ring.from_seq(self._seq)
        if found is not None:
            self.missed = found[0].seq - self._seq
            self.lost += self.missed
            self._seq = found[0].seq + 1
        return found
