"""The ring buffer in one block of memory."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pi_cam_node.base import block_ring
from pi_cam_node.base.block_ring import BlockRing
from pi_cam_node.base.ring_records import Pin, Record

LARGEST = 40


@dataclass
class Checked:
    """A ring, and everything that was ever put into it."""

    ring: BlockRing[int]
    put: dict[int, tuple[Record[int], bytes]] = field(default_factory=dict)
    pinned: dict[int, Pin[int]] = field(default_factory=dict)
    time_s: float = 0.0

    def append(self, size: int, *, key: bool) -> Record[int] | None:
        self.time_s += 1
        data = (bytes((len(self.put) * 37 + i) % 255 + 1 for i in range(LARGEST)) * (1 + size // LARGEST))[:size]
        record = self.ring.append(self.time_s, data, size, key=key)
        if record is not None:
            self.put[record.seq] = (record, data)
            if record.seq % 3 == 0:
                pin = self.ring.pin(record)
                assert pin is not None
                assert pin is self.ring.pin(record)
                self.pinned[record.seq] = pin
        return record

    def check(self) -> None:
        held = self.ring.records()
        assert [each.seq for each in held] == list(range(held[0].seq, held[0].seq + len(held))) if held else True
        assert not held or held[0].key
        assert self.ring.size_bytes == sum(each.size_bytes for each in held) <= self.ring.touched_bytes
        assert self.ring.touched_bytes <= self.ring.capacity_bytes
        seqs = {each.seq for each in held}
        for seq, (record, data) in self.put.items():
            assert self.ring.read(record) == (data if seq in seqs else None)
            assert seq in seqs or self.ring.pin(record) is None
        for seq, pin in self.pinned.items():
            assert pin.read() == self.put[seq][1]
            assert (pin.copy is None) == (seq in seqs), "what is in the block is not there twice"


APPEND = st.tuples(st.just("append"), st.integers(1, LARGEST), st.booleans())
RESIZE = st.tuples(st.just("resize"), st.integers(1, 300), st.none())
OTHER = st.sampled_from([("drop", 0, None), ("clear", 0, None)])


Step = tuple[str, int, bool | None]
STEPS = st.lists(st.one_of(APPEND, APPEND, APPEND, RESIZE, OTHER), max_size=60)


@given(st.integers(1, 300), STEPS)
def test_every_record_is_whole_or_gone(capacity: int, steps: list[Step]) -> None:
    walk(Checked(BlockRing(capacity)), steps)


@given(st.integers(1, 300), STEPS, st.sampled_from([1, 20_000, 64 << 10]))
@example(
    100, [("append", 40, True)] * 2 + [("append", 15, True), ("drop", 0, None), ("append", 39, True)] * 2, 64 << 10
)
def test_no_memory_of_a_record_is_returned_before_it_is_evicted(capacity: int, steps: list[Step], least: int) -> None:
    """Records of up to ten pages, in a block of up to 73."""
    with patch.object(block_ring, "_EVICTED_BYTES", least):
        walk(Checked(BlockRing(1_000 * capacity, returns_memory=True)), [(what, 1_000 * n, k) for what, n, k in steps])


def walk(checked: Checked, steps: list[Step]) -> None:
    for what, size, key in steps:
        if what == "append":
            before = bool(len(checked.ring))
            record = checked.append(size, key=bool(key))
            assert record is not None or size > checked.ring.capacity_bytes or not key
            assert record is None or checked.ring.last == record
            assert before or key or record is None, "a record that depends on one that is gone"
        elif what == "resize":
            checked.ring.resize(size)
        elif what == "drop":
            checked.ring.drop_oldest()
        else:
            checked.ring.clear()
            assert len(checked.ring) == 0
            assert [pin.read() for pin in checked.pinned.values()] == [None] * len(checked.pinned)
            checked.pinned.clear()
        checked.check()


@given(st.lists(st.integers(1, LARGEST), min_size=40, max_size=80))
def test_only_the_gaps_at_both_ends_are_lost(sizes: list[int]) -> None:
    checked = Checked(BlockRing(300))
    for size in sizes:
        dropped = checked.ring.first
        checked.append(size, key=True)
        if dropped is not None and checked.ring.first != dropped:
            assert checked.ring.size_bytes >= 300 - 2 * LARGEST - dropped.size_bytes


def test_records_of_one_size_fill_the_block() -> None:
    checked = Checked(BlockRing(100))
    for _ in range(50):
        checked.append(20, key=True)
    assert len(checked.ring) == 5


def test_memory_that_is_not_needed_is_never_touched() -> None:
    checked = Checked(BlockRing(10_000))
    for number in range(500):
        checked.append(20 + number % 7, key=True)
        while len(checked.ring) > 10:
            checked.ring.drop_oldest()
    assert checked.ring.touched_bytes <= 13 * 26
    checked.check()


@pytest.mark.parametrize("group", [1, 7])
def test_memory_of_evicted_records_is_returned(group: int) -> None:
    ring: BlockRing[None] = BlockRing(1 << 20, returns_memory=True)
    for number in range(500):
        ring.append(number, (b"secret" if number < 480 else b"public") * 1_500, None, key=number % group == 0)
        while ring.size_bytes > 200_000:
            ring.drop_oldest()
        assert ring.size_bytes <= ring.touched_bytes <= ring.size_bytes + (128 << 10)
    while len(ring) > 10:
        ring.drop_oldest()
    kept_in_pages = ring._block[:].count(b"secret") * len(b"secret")
    assert kept_in_pages < 64 << 10, "less than is returned at a time"
    assert all(ring.read(record) == b"public" * 1_500 for record in ring.records())
    ring.clear()
    assert (ring._block.find(b"public"), ring._block.find(b"secret"), ring.touched_bytes) == (-1, -1, 0)


def test_records_that_grow_evict_none_while_there_is_room() -> None:
    """Of video the rate rises when something moves, and just then the seconds before are wanted."""
    ring: BlockRing[None] = BlockRing(1 << 20, returns_memory=True)
    for number in range(1_000):
        ring.append(number, bytes(3_000 if number % 200 < 150 else 9_000), None)
        while len(ring) > 100:
            ring.drop_oldest()
        assert len(ring) == min(100, number + 1)


def test_a_group_goes_whole_and_what_depends_on_it_is_not_taken() -> None:
    checked = Checked(BlockRing(60))
    for key in (True, False, False, True, False, False):
        checked.append(10, key=key)
    checked.append(10, key=False)
    assert [each.key for each in checked.ring.records()] == [True, False, False, False]
    assert checked.append(50, key=False) is None, "it would need the memory of its own key"
    assert len(checked.ring) == 0
    assert checked.append(10, key=False) is None
    assert checked.append(10, key=True) is not None


def test_what_is_cleared_is_overwritten() -> None:
    ring: BlockRing[None] = BlockRing(3 << 20)
    ring.append(1.0, b"secret" * 400_000, None)
    block = ring._block
    assert block.find(b"secret") >= 0
    ring.clear()
    assert block.find(b"secret") < 0
    assert (len(ring), ring.size_bytes, ring.touched_bytes) == (0, 0, 0)


def test_a_pin_that_nobody_holds_copies_nothing() -> None:
    ring: BlockRing[None] = BlockRing(100)
    record = ring.append(0.0, bytes(60), None)
    assert record is not None
    assert ring.pin(record) is not None
    ring.append(1.0, bytes(60), None)
    assert ring.pin(record) is None
    assert not ring._pins


@pytest.mark.parametrize("capacity", [2 << 20, 5 << 20, 9 << 20])
def test_another_size_keeps_the_newest_that_fit(capacity: int) -> None:
    ring: BlockRing[int] = BlockRing(5 << 20)
    for number in range(11):  # it has gone round
        ring.append(number, bytes([number + 1]) * (700 << 10), number)
    ring.resize(capacity)
    held = ring.records()
    assert [each.meta for each in held] == list(range(11 - len(held), 11))
    assert len(held) == min(7, capacity // (700 << 10))
    assert all(ring.read(each) == bytes([each.meta + 1]) * (700 << 10) for each in held)


def test_records_go_forward_in_time_and_are_not_empty() -> None:
    ring: BlockRing[None] = BlockRing(10)
    ring.append(5.0, b"a", None)
    with pytest.raises(ValueError, match=r"at 4\.9"):
        ring.append(4.9, b"b", None)
    with pytest.raises(ValueError, match="0 B"):
        ring.append(6.0, b"", None)
    assert ring.append(6.0, b"x" * 11, None) is None
    assert [each.mono_s for each in ring.records()] == [5.0]


def test_the_key_before_a_moment() -> None:
    ring: BlockRing[None] = BlockRing(1000)
    assert ring.key_before(0) is None
    for second in range(1, 9):
        ring.append(second, b"x", None, key=second % 4 == 1)
    times = {at: key.mono_s for at in (0, 1, 4.9, 5, 99) if (key := ring.key_before(at)) is not None}
    assert times == {0: 1, 1: 1, 4.9: 1, 5: 5, 99: 5}


def test_a_slow_reader_loses_and_is_told() -> None:
    ring: BlockRing[int] = BlockRing(100)
    ring.append(0, b"0" * 20, 0)
    reader = ring.reader(ring.first)
    for number in range(1, 10):
        ring.append(number, b"%d" % number * 20, number)
    first = reader.next()
    assert first is not None
    assert reader.missed == 5
    read = [first, *iter(reader.next, None)]
    assert reader.missed == 0
    assert [record.meta for record, _ in read] == [5, 6, 7, 8, 9]
    assert [data for _, data in read] == [b"%d" % record.meta * 20 for record, _ in read]
    assert reader.lost == 5
    assert reader.next() is None
    ring.clear()
    ring.append(10, b"a" * 20, 10)
    assert [record.meta for record, _ in iter(reader.next, None)] == [10]
    assert ring.reader().next() is None


def test_no_reader_sees_a_record_that_is_being_overwritten() -> None:
    ring: BlockRing[int] = BlockRing(1 << 20)
    stop, torn = threading.Event(), []

    def read() -> None:
        reader = ring.reader()
        while not stop.is_set():
            item = reader.next()
            if item is not None and set(item[1]) != {item[0].meta}:
                torn.append(item[0])

    readers = [threading.Thread(target=read) for _ in range(2)]
    for each in readers:
        each.start()
    for number in itertools.islice(itertools.cycle(range(1, 250)), 1500):
        ring.append(1.0, bytes([number]) * 100_000, number)
        if number == 100:
            ring.resize(700_000 + number * 1000)
            ring.resize(1 << 20)
    stop.set()
    for each in readers:
        each.join(10)
    assert torn == []


def test_a_record_that_lacks_one_byte_of_room_overwrites_none() -> None:
    checked = Checked(BlockRing(10))
    for size in (4, 4, 4, 1):  # the third goes round, so the fourth stands right before the second
        checked.append(size, key=True)
        checked.check()


def test_room_behind_the_newest_is_used_before_the_front() -> None:
    checked = Checked(BlockRing(12))
    for size in (4, 4, 4, 4, 2):
        checked.append(size, key=True)
    checked.ring.drop_oldest()
    checked.ring.drop_oldest()
    for size in (4, 4):
        checked.append(size, key=True)
        checked.check()
    assert [record.size_bytes for record in checked.ring.records()] == [2, 4, 4]
