"""Camera buffers are never leaked, in any order of events."""

from __future__ import annotations

import ast
import logging
import weakref
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.sources import picam
from pi_cam_node.camera.sources.picam.grab import Handover, grab
from tests.support.fakes.picamera2 import FakePicamera2
from tests.support.fakes.picamera2_factory import FakeFactory


class Done:
    """A finished job whose request counts its releases."""

    def __init__(self, error: Exception | None = None) -> None:
        self.released = 0
        self._error = error

    def get_result(self, timeout: float | None = None) -> Any:
        if self._error is not None:
            raise self._error
        return self

    def release(self) -> None:
        self.released += 1


def running(buffers: int = 4) -> tuple[FakeFactory, FakePicamera2]:
    factory = FakeFactory()
    camera = factory.open(0)
    stream = {"size": (64, 64), "format": "YUV420"}
    camera.configure(camera.create_video_configuration(main=stream, buffer_count=buffers))
    camera.start()
    return factory, camera


def test_a_job_that_is_done_is_handed_over_and_not_released() -> None:
    job, handover = Done(), Handover()
    handover.deliver(job)
    assert handover.arrived.is_set()
    assert id(handover.collect()) == id(job)
    assert job.released == 0


def test_a_handover_does_not_hold_on_to_camera_memory() -> None:
    job, handover = Done(), Handover()
    alive = weakref.ref(job)
    handover.deliver(job)
    handover.collect()
    del job
    assert alive() is None


def test_a_job_that_comes_after_the_reader_gave_up_is_released() -> None:
    job, handover = Done(), Handover()
    assert handover.collect() is None
    handover.deliver(job)
    assert job.released == 1


def test_a_late_job_that_failed_does_not_raise_in_the_cameras_thread(caplog: pytest.LogCaptureFixture) -> None:
    handover = Handover()
    assert handover.collect() is None
    with caplog.at_level(logging.ERROR):
        handover.deliver(Done(RuntimeError("gone")))
    assert "could not be released" in caplog.text


def test_what_failed_in_the_camera_is_raised_in_the_reader() -> None:
    handover = Handover()
    handover.deliver(Done(KeyError("ExposureTime")))
    with pytest.raises(KeyError):
        handover.collect()


def test_the_buffer_goes_back_although_the_reader_raised() -> None:
    factory, camera = running()
    for _ in range(10):
        with pytest.raises(ZeroDivisionError), grab(camera, factory.clock, 1.0):
            raise ZeroDivisionError
    with grab(camera, factory.clock, 1.0) as request:
        assert request.make_buffer("main").shape == (64 * 96,)


def test_captures_that_were_given_up_take_no_buffers_when_the_frames_come_back() -> None:
    factory, camera = running()
    factory.faults.stalled = True
    for _ in range(24):
        with pytest.raises(SourceError, match="no image"), grab(camera, factory.clock, 0.1):
            pass
    factory.faults.stalled = False
    began_ns = factory.clock.now_ns
    for _ in range(30):
        with grab(camera, factory.clock, 1.0):
            pass
    assert factory.clock.now_ns - began_ns == pytest.approx(1e9, rel=0.05)


def test_without_the_handover_the_same_captures_would_freeze_the_camera() -> None:
    factory, camera = running()
    factory.faults.stalled = True
    for _ in range(5):
        with pytest.raises(TimeoutError):
            camera.capture_request(wait=0.1)
    factory.faults.stalled = False
    with pytest.raises(SourceError), grab(camera, factory.clock, 10.0):
        pass


def test_no_capture_in_the_package_waits_inside_picamera2() -> None:
    """Such a wait knows no deadline, or leaves its job behind; a signal function does neither."""
    calls = [
        node
        for path in Path(picam.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "capture_" in node.func.attr
    ]
    assert [[keyword.arg for keyword in call.keywords] for call in calls] == [["signal_function"]]
