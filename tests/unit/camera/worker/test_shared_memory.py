"""Pictures through shared memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_cam_node.camera.worker.shared_memory import SLOTS, SlotReader, SlotWriter, slot_bytes

SIZE = (64, 48)


@pytest.fixture
def writer() -> Iterator[SlotWriter]:
    made = SlotWriter(SIZE)
    yield made
    made.close()


@pytest.fixture
def reader(writer: SlotWriter) -> Iterator[SlotReader]:
    made = SlotReader(writer.descriptors, SIZE)
    yield made
    made.close()


def test_parts_come_out_as_they_went_in_and_are_copies(writer: SlotWriter, reader: SlotReader) -> None:
    parts = [os.urandom(3000), b"", os.urandom(500)]
    slot = writer.put(parts)
    assert slot is not None
    copies = reader.take(slot, [3000, 0, 500])
    for _ in range(SLOTS):
        writer.put([bytes(3500)])
    assert copies == parts


def test_what_no_slot_holds_is_not_put(writer: SlotWriter) -> None:
    assert writer.put([bytes(slot_bytes(SIZE) + 1)]) is None
    assert writer.put([bytes(slot_bytes(SIZE))]) is not None


def test_a_slot_that_held_pixels_gives_their_memory_back() -> None:
    size = (1024, 768)
    writer = SlotWriter(size)
    reader = SlotReader(writer.descriptors, size)
    slot = writer.put([bytes(100_000), bytes(1024 * 768 * 3)])
    assert slot is not None
    reader.take(slot, [100_000, 1024 * 768 * 3])
    before = os.fstat(writer.descriptors[0]).st_blocks * 512
    assert writer.put([b"jpeg"]) == slot
    assert os.fstat(writer.descriptors[0]).st_blocks * 512 < before - 2_000_000
    assert reader.take(slot, [4]) == [b"jpeg"]
    reader.close()
    writer.close()


def test_a_full_memory_takes_no_more_until_a_slot_is_free(writer: SlotWriter, reader: SlotReader) -> None:
    picture = [b"picture"]
    slots = [writer.put(picture) for _ in range(SLOTS)]
    assert sorted(slot for slot in slots if slot is not None) == list(range(SLOTS))
    assert writer.put(picture) is None
    reader.take(1, [7])
    reader.take(1, [7])  # which nobody does; the slot is free but once
    assert writer.put(picture) == 1
    assert writer.put(picture) is None
    reader.take(SLOTS - 1, [7])
    reader.take(0, [7])
    assert {writer.put(picture), writer.put(picture)} == {0, SLOTS - 1}


def test_a_slot_that_came_back_is_the_next_to_be_written(writer: SlotWriter, reader: SlotReader) -> None:
    picture, used = [b"picture"], set()
    for _ in range(10):
        slot = writer.put(picture)
        assert slot is not None
        reader.take(slot, [7])
        used.add(slot)
    assert len(used) == 1


def test_memory_that_is_too_small_for_the_pictures_is_refused(writer: SlotWriter) -> None:
    with pytest.raises(ValueError, match="too small"):
        SlotReader(writer.descriptors, (1640, 1480))


def test_memory_cannot_be_made_shorter_once_it_is_read(writer: SlotWriter, reader: SlotReader) -> None:
    with pytest.raises(PermissionError):
        os.truncate(writer.descriptors[0], 0)
    assert reader.take(0, [7]) == [bytes(7)]


def test_what_is_no_shared_memory_is_refused(tmp_path: os.PathLike[str]) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="not permitted"):
            SlotReader((descriptor, descriptor), SIZE)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("slot", "sizes"), [(-1, [1]), (SLOTS, [1]), (0, [-1, 5]), (0, [slot_bytes(SIZE), 1]), (0, [1 << 62])]
)
def test_what_lies_in_no_slot_is_refused(reader: SlotReader, slot: int, sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="slot"):
        reader.take(slot, sizes)


@pytest.mark.parametrize("size", [(0, 48), (64, -2), (99_999, 2)])
def test_sizes_that_no_picture_has_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="picture"):
        slot_bytes(size)


def test_no_memory_is_left_under_any_name(writer: SlotWriter) -> None:
    memory = writer.descriptors[0]
    assert str(Path(f"/proc/self/fd/{memory}").readlink()).endswith("(deleted)")
    assert os.fstat(memory).st_nlink == 0
