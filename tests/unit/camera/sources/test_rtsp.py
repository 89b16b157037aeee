"""Reading of an RTSP stream with OpenCV: queued pictures are skipped, stalls are failures.

The handle is a stand-in for `cv2.VideoCapture` with a clock of its own; the conformance suite reads a real stream.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import Controls
from pi_cam_node.camera.sources.rtsp import OPTIONS, OPTIONS_VARIABLE, RtspSource
from pi_cam_node.camera.sources.rtsp_limits import OPEN_TIMEOUT_MS, READ_TIMEOUT_MS
from pi_cam_node.camera.timeouts import OPEN_S, STUCK_S
from pi_cam_node.config import CameraConfig

DAY = Controls("day", 10.0, 2_000_000, 6.0, "still")
URL = "rtsp://cam:hunter2@porch.example/live"


class FakeStream:
    """Takes the given seconds for each image; the images are numbered by their grey level."""

    def __init__(
        self,
        waits_s: Iterable[float] = (),
        *,
        shape: tuple[int, int, int] = (48, 64, 3),
        size: tuple[int, int] = (64, 48),
    ) -> None:
        self.size = size
        self.waits_s = list(waits_s)
        self.shape = shape
        self.now_s = 1000.0
        self.grabbed = 0
        self.released = False

    def __call__(self, name: str, backend: int, parameters: list[int]) -> FakeStream:
        self.opened_with = (name, backend, parameters)
        self.options = os.environ.get(OPTIONS_VARIABLE)
        return self

    def isOpened(self) -> bool:  # noqa: N802 # OpenCV's name
        return True

    def get(self, what: int) -> float:
        return {
            cv2.CAP_PROP_FRAME_WIDTH: self.size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: self.size[1],
            cv2.CAP_PROP_FPS: 10,
        }.get(what, 0)

    def set(self, what: int, value: float) -> bool:
        return True

    def grab(self) -> bool:
        if self.grabbed == len(self.waits_s):
            return False
        self.now_s += self.waits_s[self.grabbed]
        self.grabbed += 1
        return True

    def retrieve(self) -> tuple[bool, Any]:
        return True, np.full(self.shape, self.grabbed % 256, np.uint8)

    def release(self) -> None:
        self.released = True


def source_on(stream: FakeStream, controls: Controls = DAY) -> RtspSource:
    source = RtspSource(URL, stream, lambda: stream.now_s)
    source.open(CameraConfig(), controls)
    return source


def numbers(source: RtspSource, count: int) -> list[int]:
    return [int(source.read().pixels[0, 0, 0]) for _ in range(count)]


def test_timeouts_are_given_while_opening_and_the_login_is_not_shown() -> None:
    stream = FakeStream()
    source = RtspSource(URL, stream)
    opened = source.open(CameraConfig(), DAY)
    name, backend, parameters = stream.opened_with
    assert (name, backend) == (URL, cv2.CAP_FFMPEG)
    asked = dict(zip(parameters[::2], parameters[1::2], strict=True))
    assert asked[cv2.CAP_PROP_READ_TIMEOUT_MSEC] == READ_TIMEOUT_MS
    assert asked[cv2.CAP_PROP_OPEN_TIMEOUT_MSEC] == OPEN_TIMEOUT_MS
    assert opened.source == "rtsp://********@porch.example/live"
    assert (opened.size, opened.controls) == ((64, 48), False)


def test_a_stream_without_pictures_is_said_and_let_go() -> None:
    """OpenCV opens a stream of which nothing came, and tells a size of 0 x 0."""
    stream = FakeStream(size=(0, 0))
    with pytest.raises(SourceError, match=r"sends no pictures that can be read; restart it, or choose H\.264"):
        source_on(stream)
    assert stream.released


def test_a_camera_of_one_picture_a_second_can_be_opened_and_one_that_hangs_is_given_up_before_it_counts_as_stuck() -> (
    None
):
    # Measured with OpenCV 4.11, which looks at five pictures at least.
    assert OPEN_TIMEOUT_MS / 1000 > 9 + 2
    assert OPEN_TIMEOUT_MS / 1000 < OPEN_S / 2
    # Reopened in a thread: the order waits for the end of a read that began before the frames were missed.
    assert READ_TIMEOUT_MS / 1000 - DAY.deadline_s + OPEN_TIMEOUT_MS / 1000 < STUCK_S


def test_options_are_given_to_this_source_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OPTIONS_VARIABLE, raising=False)
    stream = FakeStream()
    RtspSource(URL, stream).open(CameraConfig(), DAY)
    assert stream.options == OPTIONS
    assert OPTIONS_VARIABLE not in os.environ


def test_options_of_the_user_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OPTIONS_VARIABLE, "rtsp_transport;udp")
    stream = FakeStream()
    RtspSource(URL, stream).open(CameraConfig(), DAY)
    assert stream.options == os.environ[OPTIONS_VARIABLE] == "rtsp_transport;udp"


def test_pictures_that_piled_up_while_the_stream_was_opened_are_left_out() -> None:
    stream = FakeStream([0.001] * 27 + [0.1] * 5)
    assert numbers(source_on(stream), 3) == [28, 29, 30]


def test_pictures_that_piled_up_during_a_pause_are_left_out() -> None:
    stream = FakeStream([0.1] * 3 + [2.0] + [0.001] * 20 + [0.1] * 5)
    assert numbers(source_on(stream), 5) == [1, 2, 3, 25, 26]


def test_a_pause_without_a_pile_costs_one_picture() -> None:
    stream = FakeStream([0.1] * 3 + [2.0] + [0.1] * 5)
    assert numbers(source_on(stream), 5) == [1, 2, 3, 5, 6]


def test_a_camera_far_slower_than_it_announces_loses_one_picture_until_that_is_known() -> None:
    stream = FakeStream([0.5] * 12)
    assert numbers(source_on(stream), 11) == [1, *range(3, 13)]


def test_a_pile_is_known_again_once_a_slow_camera_has_become_as_fast_as_it_announces() -> None:
    stream = FakeStream([0.5] * 4 + [0.1] * 30 + [1.0] + [0.001] * 8 + [0.1] * 3)
    assert numbers(source_on(stream), 35) == [1, *range(3, 35), 44, 45]


def test_a_camera_that_is_too_fast_to_keep_up_with_is_still_read() -> None:
    stream = FakeStream([0.001] * 10_000)
    assert len(numbers(source_on(stream), 3)) == 3


def test_pictures_that_come_while_one_is_processed_are_left_out() -> None:
    """On a machine slower than the camera they were shown one by one, later and later."""
    stream = FakeStream([0.1, *[0.001, 0.001, 0.001, 0.06] * 5])
    source, found = source_on(stream), []
    for _ in range(5):
        found += numbers(source, 1)
        stream.now_s += 0.35
    assert found == [1, 5, 9, 13, 17]


def test_a_camera_faster_than_it_announces_is_read_at_its_rate() -> None:
    """At more than twice the announced rate every picture counted as queued: one in twelve seconds was shown."""
    stream = FakeStream([0.04] * 100)
    fast = Controls("day", 25.0, 2_000_000, 6.0, "still")
    assert len(numbers(source_on(stream, fast), 90)) == 90
    stream = FakeStream([0.01] * 1000)
    assert numbers(source_on(stream, fast), 3)[0] * 0.01 < 4, "even one that is ten times as fast"
    assert stream.now_s < 1000 + 4.2


def test_a_faster_stream_is_thinned_out() -> None:
    stream = FakeStream([0.1] * 20)
    slow = Controls("day", 5.0, 2_000_000, 6.0, "still")
    assert numbers(source_on(stream, slow), 4) == [1, 3, 5, 7]


def test_an_old_picture_at_the_end_of_the_timeout_is_a_stall() -> None:
    stream = FakeStream([0.1, 0.1, READ_TIMEOUT_MS / 1000, 0.1])
    source = source_on(stream)
    numbers(source, 2)
    with pytest.raises(SourceError, match="sends no more pictures") as caught:
        source.read()
    assert "hunter2" not in str(caught.value)


def test_the_end_of_a_stream_is_a_failure() -> None:
    source = source_on(FakeStream([0.1]))
    source.read()
    with pytest.raises(SourceError, match="sends no more pictures"):
        source.read()


def test_a_picture_of_another_size_is_a_failure() -> None:
    source = source_on(FakeStream([0.1], shape=(96, 128, 3)))
    with pytest.raises(SourceError, match=r"\(96, 128, 3\)"):
        source.read()


def test_closing_releases_the_handle_and_reading_then_fails() -> None:
    stream = FakeStream([0.1])
    source = source_on(stream)
    source.close()
    source.close()
    assert stream.released
    with pytest.raises(SourceError, match="not open"):
        source.read()
