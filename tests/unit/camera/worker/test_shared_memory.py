"""Transfer of pictures through shared memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_cam_node.camera.worker.shared_memory import SLOTS, SlotReader, SlotWriter, slot_bytes
from pi_cam_node.imaging.shared_planes import planes_bytes

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
    assert writer.put([bytes(slot_bytes(SIZE) - 1)], memoryview(b"12")) is None
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


def test_planes_stay_in_their_slot_until_they_are_given_back(writer: SlotWriter, reader: SlotReader) -> None:
    planes = os.urandom(planes_bytes(SIZE))
    slot = writer.put([b"jpeg", b"packet"], memoryview(planes))
    assert slot is not None
    assert reader.take(slot, [4, 6], SIZE) == [b"jpeg", b"packet"]
    lent = reader.lend(slot, SIZE, 12.5)
    assert (lent.mono_s, lent.size) == (12.5, SIZE)
    others = {writer.put([b"jpeg"]) for _ in range(SLOTS)}
    assert slot not in others
    assert os.pread(lent.descriptor, len(planes), lent.offset_bytes) == planes
    lent.give_back()
    assert writer.put([b"jpeg"]) == slot


def test_memory_of_planes_is_used_again_and_given_back_when_they_are_not_shared_any_more() -> None:
    size = (1024, 768)
    writer = SlotWriter(size)
    reader = SlotReader(writer.descriptors, size)
    planes = memoryview(bytes(planes_bytes(size)))

    def memory_bytes() -> int:
        return os.fstat(writer.descriptors[0]).st_blocks * 512

    held = []
    for _ in range(4):
        slot = writer.put([b"jpeg"], planes)
        assert slot is not None
        reader.take(slot, [4], size)
        held.append(reader.lend(slot, size, 1.0))
    assert 4 * planes.nbytes < memory_bytes() < 5 * planes.nbytes
    for lent in held:
        lent.give_back()
    for _ in range(3):
        slot = writer.put([b"jpeg"], planes)
        assert slot is not None
        reader.take(slot, [4], size)
        reader.lend(slot, size, 1.0).give_back()
        assert planes.nbytes < memory_bytes() < 2 * planes.nbytes, "as much as is needed"
    slot = writer.put([b"jpeg"])
    assert memory_bytes() < 10_000
    reader.close()
    writer.close()


def test_nothing_is_left_in_memory_that_was_closed(writer: SlotWriter) -> None:
    reader = SlotReader(writer.descriptors, SIZE)
    slots = [writer.put([b"jpeg"], memoryview(b"\1" * planes_bytes(SIZE))), writer.put([b"\1" * 70_000])]
    reader.take(slots[0] or 0, [4], SIZE)
    reader.take(slots[1] or 0, [70_000])
    reader.lend(slots[0] or 0, SIZE, 1.0).give_back()
    writer.put([b"\1" * 5_000])  # not taken
    assert any(memory_of(writer))
    reader.close()
    assert not any(memory_of(writer))


def test_planes_that_are_still_read_are_wiped_when_they_come_back(writer: SlotWriter) -> None:
    reader = SlotReader(writer.descriptors, SIZE)
    planes = b"\1" * planes_bytes(SIZE)
    slot = writer.put([b"jpeg"], memoryview(planes))
    assert slot is not None
    reader.take(slot, [4], SIZE)
    lent = reader.lend(slot, SIZE, 1.0)
    reader.close()
    assert os.pread(lent.descriptor, len(planes), lent.offset_bytes) == planes
    lent.give_back()
    assert not any(memory_of(writer))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(lent.descriptor)


def memory_of(writer: SlotWriter) -> bytes:
    return os.pread(writer.descriptors[0], SLOTS * slot_bytes(SIZE), 0)


def test_a_full_memory_takes_no_more_until_a_slot_is_free(writer: SlotWriter, reader: SlotReader) -> None:
    picture = [b"picture"]
    slots = [writer.put(picture) for _ in range(SLOTS)]
    assert sorted(slot for slot in slots if slot is not None) == list(range(SLOTS))
    assert writer.put(picture) is None
    reader.take(1, [7])
    reader.take(1, [7])  # released twice; the slot is free only once
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


@pytest.mark.parametrize("planes", [(640, 480), (63, 48), (-64, 48)])
def test_planes_that_lie_in_no_slot_are_refused(reader: SlotReader, planes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="planes"):
        reader.take(0, [1], planes)


@pytest.mark.parametrize("size", [(0, 48), (64, -2), (99_999, 2)])
def test_sizes_that_no_picture_has_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="picture"):
        slot_bytes(size)


def test_no_memory_is_left_under_any_name(writer: SlotWriter) -> None:
    memory = writer.descriptors[0]
    assert str(Path(f"/proc/self/fd/{memory}").readlink()).endswith("(deleted)")
    assert os.fstat(memory).st_nlink == 0
