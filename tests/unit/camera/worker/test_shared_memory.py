"""Pictures through shared memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pi_cam_node.camera.worker.shared_memory import SLOTS, SlotReader, SlotWriter, shape_of

SIZE = (64, 48)


@pytest.fixture
def writer() -> Iterator[SlotWriter]:
    made = SlotWriter(SIZE, "i420")
    yield made
    made.close()


@pytest.fixture
def reader(writer: SlotWriter) -> Iterator[SlotReader]:
    made = SlotReader(writer.descriptors, SIZE, "i420")
    yield made
    made.close()


def test_a_picture_comes_out_as_it_went_in_and_is_a_copy(writer: SlotWriter, reader: SlotReader) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (72, 64), dtype=np.uint8)
    slot = writer.put(picture)
    assert slot is not None
    copy = reader.take(slot)
    for _ in range(SLOTS):
        writer.put(np.zeros_like(picture))
    assert np.array_equal(copy, picture)


def test_a_full_memory_takes_no_more_until_a_slot_is_free(writer: SlotWriter, reader: SlotReader) -> None:
    picture = np.zeros((72, 64), np.uint8)
    slots = [writer.put(picture) for _ in range(SLOTS)]
    assert sorted(slot for slot in slots if slot is not None) == list(range(SLOTS))
    assert writer.put(picture) is None
    reader.take(1)
    reader.take(1)  # which nobody does; the slot is free but once
    assert writer.put(picture) == 1
    assert writer.put(picture) is None
    reader.take(2)
    reader.take(0)
    assert {writer.put(picture), writer.put(picture)} == {0, 2}


def test_a_slot_that_came_back_is_the_next_to_be_written(writer: SlotWriter, reader: SlotReader) -> None:
    picture, used = np.zeros((72, 64), np.uint8), set()
    for _ in range(10):
        slot = writer.put(picture)
        assert slot is not None
        reader.take(slot)
        used.add(slot)
    assert len(used) == 1


def test_memory_that_is_too_small_for_the_pictures_is_refused(writer: SlotWriter) -> None:
    with pytest.raises(ValueError, match="too small"):
        SlotReader(writer.descriptors, (640, 480), "bgr")


def test_memory_cannot_be_made_shorter_once_it_is_read(writer: SlotWriter, reader: SlotReader) -> None:
    with pytest.raises(PermissionError):
        os.truncate(writer.descriptors[0], 0)
    assert reader.take(0).shape == (72, 64)


def test_what_is_no_shared_memory_is_refused(tmp_path: os.PathLike[str]) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="not permitted"):
            SlotReader((descriptor, descriptor), SIZE, "bgr")
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("slot", [-1, SLOTS])
def test_a_slot_that_does_not_exist_is_refused(reader: SlotReader, slot: int) -> None:
    with pytest.raises(ValueError, match="slot"):
        reader.take(slot)


@pytest.mark.parametrize(
    ("size", "layout"), [((0, 48), "bgr"), ((64, -2), "bgr"), ((63, 48), "i420"), ((99_999, 2), "bgr")]
)
def test_sizes_that_no_picture_has_are_refused(size: tuple[int, int], layout: str) -> None:
    with pytest.raises(ValueError, match="picture"):
        shape_of(size, layout)  # type: ignore[arg-type] # a literal from the table


def test_no_memory_is_left_under_any_name(writer: SlotWriter) -> None:
    memory = writer.descriptors[0]
    assert str(Path(f"/proc/self/fd/{memory}").readlink()).endswith("(deleted)")
    assert os.fstat(memory).st_nlink == 0
