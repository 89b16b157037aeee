"""Ring buffer of records in one block of memory: the last pictures, or the last packets of video.

The block has the size of its budget and is written circularly, so the heap does not fragment over time. Records are
contiguous; an index is kept beside the block. Pages never written take no memory; written ones are reused or returned.

A record is either a *key*, which can be used alone (a JPEG, a key frame of video), or depends on the records since the
last key. The oldest record is always a key: eviction drops whole groups.

How to use it::

    ring: BlockRing[Facts] = BlockRing(64 << 20)
    record = ring.append(mono_s, jpeg, facts)                # None: larger than the block, or its key is gone
    data = ring.read(record)                                 # bytes, or None once it has been overwritten
    reader = ring.reader(ring.key_before(mono_s - 5.0))      # from the last key at or before a moment
    while (item := reader.next()) is not None:               # None: no newer record yet
        record, data = item                                  # reader.lost counts records that it missed
    pin = ring.pin(record)                                   # pin.read() works until the ring is cleared
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import Generic
from weakref import WeakValueDictionary

from pi_cam_node.base.memory_pages import new_block, page_after, page_before, return_copied, return_pages
from pi_cam_node.base.ring_records import Meta, Pin, Reader, Record

Data = bytes | bytearray | memoryview

# Memory that is wiped at a time, and least memory that is returned to the system by eviction.
_WIPED_BYTES, _EVICTED_BYTES = 1 << 20, 64 << 10


class BlockRing(Generic[Meta]):
    """Records in order of time, in one block of memory.

    Thread: any (locked). A copy of 200 kB takes some 20 µs.
    """

    def __init__(self, capacity_bytes: int, *, returns_memory: bool = False) -> None:
        """Reserve the block; pages take memory once they are written.

        Args:
            capacity_bytes: Size of the block, at least 1.
            returns_memory: Return memory as records are evicted, for sizes that vary, as in video. Otherwise it is used
                again: this saves page faults, but while sizes grow, records are evicted before the block is full.
        """
        self._block = new_block(capacity_bytes)
        self._capacity = capacity_bytes
        self._records: deque[Record[Meta]] = deque()
        self._offsets: deque[int] = deque()
        self._next_seq = 0
        self._head = self._extent = self._held = 0
        self._returns_memory, self._returned = returns_memory, 0
        self._pins: WeakValueDictionary[int, Pin[Meta]] = WeakValueDictionary()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def capacity_bytes(self) -> int:
        """Size of the block."""
        return self._capacity

    @property
    def size_bytes(self) -> int:
        """Bytes of all records."""
        return self._held

    @property
    def touched_bytes(self) -> int:
        """Bytes of the block that are in memory, except for parts of pages."""
        with self._lock:
            if self._is_wrapped:
                return self._extent - max(self._returned, self._head) + self._head
            return self._extent - self._returned

    @property
    def first(self) -> Record[Meta] | None:
        """The oldest record."""
        try:
            return self._records[0]
        except IndexError:
            return None

    @property
    def last(self) -> Record[Meta] | None:
        """The newest record."""
        try:
            return self._records[-1]
        except IndexError:
            return None

    def records(self) -> Sequence[Record[Meta]]:
        """Return the records of the ring, oldest first."""
        with self._lock:
            return list(self._records)

    def append(self, mono_s: float, data: Data, meta: Meta, *, key: bool = True) -> Record[Meta] | None:
        """Copy a record into the block, evicting the oldest groups as needed.

        Args:
            mono_s: Monotonic time of the record; must not be less than that of the newest record.
            data: Bytes of the record, at least one.
            meta: Metadata for the index.
            key: Whether it can be used without the records before it.

        Returns:
            The record; ``None`` if it is larger than the block, or depends on a key that was evicted.

        Raises:
            ValueError: The record has no bytes, or is older than the newest record.
        """
        view = memoryview(data).cast("B")
        with self._lock:
            if not len(view) or (self._records and mono_s < self._records[-1].mono_s):
                raise ValueError(f"a record of {len(view)} B at {mono_s}")
            if len(view) > self._capacity or not (key or self._records):
                return None
            offset = self._place(len(view))
            if not key and not self._records:  # its own group was evicted
                return None
            self._block[offset : offset + len(view)] = view
            record = Record(self._next_seq, mono_s, len(view), key, meta)
            self._note(record, offset)
            return record

    def drop_oldest(self) -> None:
        """Drop the oldest record and those that depend on it."""
        with self._lock:
            self._drop_group()

    def clear(self) -> None:
        """Drop and overwrite every record, and return the memory to the system; 20 ms for 64 MiB."""
        with self._lock:
            for reference in self._pins.valuerefs():  # a list: another thread may release a pin meanwhile
                pin = reference()
                if pin is not None:
                    pin.copy = None
            self._records.clear()
            self._offsets.clear()
            zeros = bytes(min(_WIPED_BYTES, self._extent))
            for start in range(0, self._extent, _WIPED_BYTES):
                end = min(start + _WIPED_BYTES, self._extent)
                self._block[start:end] = zeros[: end - start]
                return_pages(self._block, start, end)
            self._head = self._extent = self._held = self._returned = 0

    def resize(self, capacity_bytes: int) -> None:
        """Change the size of the block, keeping the newest groups that fit.

        Memory of the old block is returned as it is copied, so that both are never in memory completely.
        """
        with self._lock:
            if capacity_bytes == self._capacity:
                return
            while self._held > capacity_bytes:
                self._drop_group()
            old, records, offsets = self._block, list(self._records), list(self._offsets)
            self._block, self._capacity = new_block(capacity_bytes), capacity_bytes
            self._records.clear()
            self._offsets.clear()
            self._head = self._extent = self._held = self._returned = 0
            copied = offsets[0] if offsets else 0
            with memoryview(old) as view:
                for record, offset in zip(records, offsets, strict=True):
                    at = self._head
                    self._block[at : at + record.size_bytes] = view[offset : offset + record.size_bytes]
                    self._note(record, at)
                    copied = return_copied(old, offset, offset + record.size_bytes, copied)
            old.close()

    def read(self, record: Record[Meta]) -> bytes | None:
        """Return the bytes of a record; ``None`` once it was evicted or wiped."""
        with self._lock:
            return self._read(record)

    def pin(self, record: Record[Meta]) -> Pin[Meta] | None:
        """Return a pin that keeps a record readable; ``None`` if the record was evicted."""
        with self._lock:
            if self._offset_of(record) is None:
                return None
            pin = self._pins.get(record.seq)
            if pin is None:
                pin = self._pins[record.seq] = Pin(self, record)
            return pin

    def read_pinned(self, pin: Pin[Meta]) -> bytes | None:
        """Return the bytes of a pinned record; ``None`` once the ring was cleared."""
        with self._lock:
            return pin.copy or self._read(pin.record)

    def key_before(self, mono_s: float) -> Record[Meta] | None:
        """Return the newest key at or before a time, else the oldest record; ``None`` when empty."""
        with self._lock:
            records = list(self._records)
        index = bisect_right(records, mono_s, key=lambda each: each.mono_s)
        return next((each for each in reversed(records[:index]) if each.key), records[0] if records else None)

    def reader(self, start: Record[Meta] | None = None) -> Reader[Meta]:
        """Return a reader that begins at a record, or with the next one that is appended."""
        return Reader(self, self._next_seq if start is None else start.seq)

    def from_seq(self, seq: int) -> tuple[Record[Meta], bytes] | None:
        """Return the record of a sequence number, else the oldest, with its bytes; ``None`` if there is none yet."""
        with self._lock:
            if seq >= self._next_seq or not self._records:
                return None
            record = self._records[max(0, seq - self._records[0].seq)]
            data = self._read(record)
            return None if data is None else (record, data)

    # ------------------------------------------------------------ under the lock

    def _read(self, record: Record[Meta]) -> bytes | None:
        offset = self._offset_of(record)
        return None if offset is None else self._block[offset : offset + record.size_bytes]

    def _offset_of(self, record: Record[Meta]) -> int | None:
        if not self._records or record.seq < self._records[0].seq:
            return None
        return self._offsets[record.seq - self._records[0].seq]

    def _note(self, record: Record[Meta], offset: int) -> None:
        self._records.append(record)
        self._offsets.append(offset)
        self._next_seq = record.seq + 1
        self._held += record.size_bytes
        self._head = offset + record.size_bytes
        self._extent = max(self._extent, self._head)

    def _place(self, size_bytes: int) -> int:
        """Evict as needed and return the offset for a record, preferring memory used before."""
        used_before = self._capacity if self._returns_memory else self._extent
        while self._records:
            oldest = self._offsets[0]
            if self._is_wrapped:
                if self._head + size_bytes <= oldest:
                    return self._head
            elif self._head + size_bytes <= used_before:
                return self._head
            elif size_bytes <= oldest:
                return 0
            elif self._head + size_bytes <= self._capacity:
                return self._head
            self._drop_group()
        return 0

    @property
    def _is_wrapped(self) -> bool:  # newer records lie before the oldest
        return bool(self._records) and self._head <= self._offsets[0]

    def _drop_group(self) -> None:
        is_lap_over = not self._records
        while self._records:
            pin = self._pins.get(self._records[0].seq)
            if pin is not None:
                pin.copy = self._read(pin.record)
            self._held -= self._records.popleft().size_bytes
            offset = self._offsets.popleft()
            is_lap_over = is_lap_over or not self._records or self._offsets[0] < offset
            if self._records and self._records[0].key:
                break
        if self._returns_memory:
            self._return_evicted(is_lap_over=is_lap_over)

    def _return_evicted(self, *, is_lap_over: bool) -> None:
        """Return evicted records' memory to the system: all behind the head if a lap around the block is over."""
        if not self._records:
            self._head = 0
        first = max(self._returned, page_after(self._head)) if is_lap_over or self._is_wrapped else self._returned
        last = self._extent if is_lap_over else page_before(self._offsets[0])
        if first < last and (is_lap_over or last - first >= _EVICTED_BYTES):
            return_pages(self._block, first, last)
            self._returned = last
        if is_lap_over:
            self._returned, self._extent = 0, self._head
