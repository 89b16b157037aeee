"""The picamera2 source on the real picamera2, with libcamera's virtual camera instead of a sensor.

What this cannot show: the formats and the padding of a Pi's image processor, exposure and gain, memory
that is short for real, a cable that is pulled.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import psutil
import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.malloc import release_startup_memory
from pi_cam_node.camera.source import Controls, Opened, Shot
from pi_cam_node.camera.sources.picam.cameras import known_cameras
from pi_cam_node.camera.sources.picam.interface import InstalledPicamera2
from pi_cam_node.camera.sources.picam.source import Picamera2Source
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.jpeg import size_of
from tests.support.picamera2_rig import SIZE, Rig, real_only, rig_of

pytestmark = [
    pytest.mark.picamera2_real,
    real_only,
    # picamera2's own thread is made with the old call.
    pytest.mark.filterwarnings("ignore:setDaemon\\(\\) is deprecated:DeprecationWarning"),
]

CAMERA = CameraConfig(width=640, height=480, framerate=30)
DAY = Controls("day", 30.0, 100_000, 6.0, "still")
NIGHT = replace(DAY, mode="night")


class OneError(int):
    """A result of libcamera's configure that is an error once; each attempt reads it twice."""

    looks = 0

    def __bool__(self) -> bool:
        self.looks += 1
        return self.looks <= 2


@pytest.fixture
def rig() -> Iterator[Rig]:
    with rig_of("real") as rig:
        yield rig


@pytest.fixture
def source(rig: Rig) -> Iterator[Picamera2Source]:
    source = Picamera2Source("Virtual1")
    yield source
    source.close()


def read(source: Picamera2Source, count: int) -> list[Shot]:
    return [source.read() for _ in range(count)]


# With PICAMERA2_REOPENED=1000 as often as the promise says.
REOPENED = int(os.environ.get("PICAMERA2_REOPENED", "10"))


def most_descriptors() -> int:
    """Return the most that are open within half a second: a running camera holds some for a moment only."""
    end_s, most = time.monotonic() + 0.5, 0
    while time.monotonic() < end_s:
        most = max(most, psutil.Process().num_fds())
        threading.Event().wait(0.01)
    return most


def assert_no_more_descriptors_than(before: int) -> None:
    """Wait for what a running camera holds only for a moment."""
    end_s = time.monotonic() + 5
    while psutil.Process().num_fds() > before and time.monotonic() < end_s:
        threading.Event().wait(0.05)
    assert psutil.Process().num_fds() <= before


def threads_of_picamera2() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each is not threading.main_thread()}


def test_both_virtual_cameras_are_listed(rig: Rig) -> None:
    assert [(each.number, each.id) for each in known_cameras(InstalledPicamera2())] == [
        (0, "Virtual1"),
        (1, "Virtual0"),
    ]


def test_a_day_frame_has_the_size_and_the_layout_that_were_granted(source: Picamera2Source) -> None:
    opened = source.open(CAMERA, DAY)
    settings = ("camera.width", "camera.height")
    assert opened == Opened("picamera2:Virtual Video Device1", SIZE, "i420", controls=False, settings=settings)
    for shot in read(source, 5):
        assert size_of(shot.pixels, opened.layout) == SIZE
        assert shot.pixels.flags.c_contiguous
        assert (shot.mode, shot.sensor) == ("day", Sensor())


def test_a_size_that_the_camera_lacks_is_replaced_by_one_that_it_has(source: Picamera2Source) -> None:
    opened = source.open(CameraConfig(width=1024, height=768), DAY)
    assert opened.size == SIZE
    assert size_of(source.read().pixels, opened.layout) == SIZE


def test_the_cameras_limited_range_becomes_a_full_one(source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    luma = source.read().pixels[: SIZE[1]]
    # The test card has a white of 235 and a black of 16 in television's range.
    assert (luma.min(), luma.max()) == (0, 255)


def test_frames_are_stamped_in_order_by_the_monotonic_clock(source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    before_s = time.monotonic() - 1.0
    shots = read(source, 10)
    captured = [shot.captured_mono_s for shot in shots]
    assert captured == sorted(set(captured))
    assert before_s < captured[0]
    assert captured[-1] < time.monotonic()
    for shot in shots:
        assert shot.captured_mono_s - shot.exposed_mono_s == pytest.approx(1 / 30)


def test_pixels_are_no_camera_memory(source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    first = source.read().pixels
    kept = first.copy()
    first[:] = 1
    later = read(source, 10)
    assert (first == 1).all()
    source.close()
    assert (first == 1).all()
    assert all(np.ptp(shot.pixels) > 0 for shot in later)
    assert np.ptp(kept) > 0


def test_a_stalled_sensor_raises_in_time_and_a_new_open_works(rig: Rig, source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    read(source, 3)
    rig.faults.stalled = True
    began_s = time.monotonic()
    with pytest.raises(SourceError, match="no image from the camera"):
        read(source, 5)
    assert time.monotonic() - began_s < 3.0 + 2.0
    source.close()
    rig.faults.stalled = False
    source.open(CAMERA, DAY)
    assert len(read(source, 20)) == 20


def test_a_stall_that_passes_costs_no_buffers(rig: Rig, source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    read(source, 3)
    rig.faults.stalled = True
    with pytest.raises(SourceError):
        read(source, 5)
    rig.faults.stalled = False
    assert len(read(source, 20)) == 20


def test_a_stalled_camera_can_still_be_switched(rig: Rig, source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    rig.faults.stalled = True
    with pytest.raises(SourceError):
        read(source, 5)
    source.apply(NIGHT)
    rig.faults.stalled = False
    assert source.read().mode == "night"


def test_a_dead_camera_thread_is_noticed_and_survived(source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    session: Any = source._session
    session.camera._preview._abort.set()
    with pytest.raises(SourceError, match="no image from the camera"):
        read(source, 5)
    source.close()
    source.open(CAMERA, DAY)
    assert len(read(source, 3)) == 3


def test_switches_to_and_fro_end_in_the_mode_asked_for(source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    for controls in (NIGHT, DAY) * 3:
        source.apply(controls)
        assert [shot.mode for shot in read(source, 3)] == [controls.mode] * 3


def test_a_camera_that_does_not_start_is_let_go(rig: Rig, source: Picamera2Source) -> None:
    rig.faults.start_error = RuntimeError("Failed to start camera")
    with pytest.raises(SourceError, match="cannot be opened: Failed to start camera"):
        source.open(CAMERA, DAY)
    rig.faults.start_error = None
    source.open(CAMERA, DAY)
    assert len(read(source, 3)) == 3


def test_a_refused_switch_leaves_the_old_mode(rig: Rig, source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    read(source, 3)
    rig.faults.configure_error = OneError(-22)
    with pytest.raises(SourceError, match=r"Configuration failed.*; it goes on as it was"):
        source.apply(NIGHT)
    assert [shot.mode for shot in read(source, 10)] == ["day"] * 10


def test_a_switch_whose_start_fails_leaves_the_old_mode(rig: Rig, source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    read(source, 3)

    class FailsOnce(RuntimeError):
        def __init__(self) -> None:
            rig.faults.start_error = None
            super().__init__("Failed to start camera")

    rig.faults.start_error = FailsOnce
    with pytest.raises(SourceError, match="Failed to start camera; it goes on as it was"):
        source.apply(NIGHT)
    assert [shot.mode for shot in read(source, 10)] == ["day"] * 10


def test_a_switch_that_cannot_be_undone_says_so(rig: Rig, source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    read(source, 3)
    rig.faults.configure_error = -22
    with pytest.raises(SourceError, match="and it stopped"):
        source.apply(NIGHT)
    rig.faults.configure_error = 0
    source.open(CAMERA, DAY)
    assert len(read(source, 3)) == 3


def test_memory_that_is_short_is_explained_and_does_not_last(rig: Rig, source: Picamera2Source) -> None:
    rig.faults.alloc_fail_after = 2
    with pytest.raises(SourceError, match="CMA"):
        source.open(CAMERA, DAY)
    rig.faults.alloc_fail_after = None
    source.open(CAMERA, DAY)
    assert len(read(source, 10)) == 10


@pytest.mark.parametrize("name", ["imx219", "9"])
def test_an_absent_camera_is_refused_with_what_there_is_and_leaks_nothing(rig: Rig, name: str) -> None:
    known_cameras(InstalledPicamera2())  # opens libcamera permanently
    before = psutil.Process().num_fds()
    for _ in range(5):
        with pytest.raises(
            SourceError, match=f"no camera called '{name}'; there is: 0 .Virtual Video Device1, Virtual1"
        ):
            Picamera2Source(name).open(CAMERA, DAY)
    assert_no_more_descriptors_than(before)


def test_a_busy_camera_says_so_and_leaks_nothing(source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    read(source, 5)  # what a camera opens late is open now
    other = Picamera2Source("Virtual1")
    before = most_descriptors()
    for _ in range(5):
        with pytest.raises(SourceError, match="another program uses the camera"):
            other.open(CAMERA, DAY)
    assert_no_more_descriptors_than(before)
    assert len(read(source, 5)) == 5


def test_cameras_that_were_exempt_from_garbage_collection_leave_no_descriptors(source: Picamera2Source) -> None:
    for _ in range(2):  # as the camera's process does with the first image of each session
        source.open(CAMERA, DAY)
        read(source, 1)
        release_startup_memory()
    source.close()
    before = psutil.Process().num_fds()
    for _ in range(REOPENED):
        source.open(CAMERA, DAY)
        read(source, 1)
        release_startup_memory()
        source.close()
    assert_no_more_descriptors_than(before)


def test_opening_again_and_again_leaks_nothing(source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    source.close()
    before, threads = psutil.Process().num_fds(), threads_of_picamera2()
    for _ in range(20):
        source.open(CAMERA, DAY)
        read(source, 2)
        source.close()
    assert_no_more_descriptors_than(before)
    assert threads_of_picamera2() <= threads


def test_switching_again_and_again_leaks_nothing(source: Picamera2Source) -> None:
    source.open(CAMERA, DAY)
    read(source, 2)
    before = most_descriptors()
    for controls in (NIGHT, DAY) * 5:
        source.apply(controls)
        read(source, 2)
    assert_no_more_descriptors_than(before)
