"""Behaviour of picamera2 that the source relies on, checked on the fake library and on the real one.

Each test is a measured behaviour of picamera2. Where the fake drifts from the real library, one of
the two fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

from tests.support.picamera2_rig import SIZE, Rig, real_only, rig_of

pytestmark = [
    # picamera2's own thread is made with the old call.
    pytest.mark.filterwarnings("ignore:setDaemon\\(\\) is deprecated:DeprecationWarning"),
    # Some tests kill that thread.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture(params=["fake", pytest.param("real", marks=[pytest.mark.picamera2_real, real_only])])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig_of(request.param) as rig:
        yield rig


@pytest.fixture
def camera(rig: Rig) -> Iterator[Any]:
    opened: Any = rig.factory.open(0)
    configure(opened)
    opened.start()
    yield opened
    rig.faults.stalled = False
    opened.cancel_all_and_flush()
    opened.close()


def configure(camera: Any, **more: Any) -> None:
    camera.configure(camera.create_video_configuration(main={"size": SIZE, "format": "YUV420"}, buffer_count=4, **more))


def test_what_is_granted_may_be_another_format(camera: Any) -> None:
    stream = camera.stream_configuration("main")
    assert (stream["format"], stream["size"], stream["stride"]) == ("NV12", SIZE, 640)


def test_metadata_may_hold_nothing_but_the_time(camera: Any) -> None:
    request = camera.capture_request(wait=2.0)
    assert list(request.get_metadata()) == ["SensorTimestamp"]
    request.release()


def test_a_buffer_is_a_copy(camera: Any) -> None:
    request = camera.capture_request(wait=2.0)
    first, second = request.make_buffer("main"), request.make_buffer("main")
    request.release()
    first[:] = 7
    assert first.ndim == 1
    assert not (second == 7).all()


def test_a_wait_of_zero_does_not_wait_but_returns_a_job(camera: Any) -> None:
    job = camera.capture_request(wait=0)
    job.get_result(timeout=2.0).release()


def test_a_signal_function_gets_the_job_that_was_returned(camera: Any) -> None:
    got: list[Any] = []
    job = camera.capture_request(signal_function=got.append)
    job.get_result(timeout=2.0).release()
    camera.capture_request(wait=2.0).release()
    assert got == [job]


def test_a_capture_that_timed_out_takes_a_buffer_when_frames_come_back(rig: Rig, camera: Any) -> None:
    rig.faults.stalled = True
    rig.pause(0.2)
    # The jobs are kept: a request that is dropped while the camera runs can take the process along.
    jobs = [camera.capture_request(wait=False) for _ in range(6)]
    with pytest.raises(TimeoutError):
        jobs[-1].get_result(timeout=0.2)
    rig.faults.stalled = False
    rig.pause(0.5)
    with pytest.raises(TimeoutError):
        jobs.append(camera.capture_request(wait=0.5))
    camera.close()


def test_captures_that_were_thrown_away_take_no_buffer(rig: Rig, camera: Any) -> None:
    rig.faults.stalled = True
    rig.pause(0.2)
    jobs = [camera.capture_request(wait=False) for _ in range(6)]
    rig.pause(0.2)
    camera.cancel_all_and_flush()
    with pytest.raises(CancelledError):
        jobs[-1].get_result(timeout=1.0)
    rig.faults.stalled = False
    for _ in range(10):
        camera.capture_request(wait=2.0).release()


def test_a_camera_whose_buffers_are_all_held_is_silent_until_one_goes_back(camera: Any) -> None:
    held = [camera.capture_request(wait=2.0) for _ in range(4)]
    with pytest.raises(TimeoutError):
        camera.capture_request(wait=0.5)
    held.pop().release()
    camera.cancel_all_and_flush()
    camera.capture_request(wait=2.0).release()
    for request in held:
        request.release()


def test_a_request_can_be_released_only_once(camera: Any) -> None:
    request = camera.capture_request(wait=2.0)
    request.release()
    with pytest.raises(RuntimeError):
        request.release()


def test_stop_waits_behind_a_capture_that_waits_for_a_frame(rig: Rig, camera: Any) -> None:
    camera.capture_request(wait=2.0).release()
    rig.faults.stalled = True
    rig.pause(0.2)
    jobs = [camera.capture_request(wait=False) for _ in range(2)]
    assert rig.hangs(camera.stop)
    camera.cancel_all_and_flush()
    assert len(jobs) == 2


def test_without_its_thread_a_stalled_camera_stops(rig: Rig, camera: Any) -> None:
    rig.faults.stalled = True
    rig.pause(0.2)
    jobs = [camera.capture_request(wait=False) for _ in range(2)]
    camera.stop_preview()
    assert not rig.hangs(camera.stop)
    camera.cancel_all_and_flush()
    rig.faults.stalled = False
    camera.start()
    camera.capture_request(wait=2.0).release()
    assert len(jobs) == 2


def test_an_exception_in_a_signal_function_ends_the_camera_thread(rig: Rig, camera: Any) -> None:
    def fail(job: Any) -> None:
        job.get_result(timeout=0).release()
        raise ZeroDivisionError

    camera.capture_request(signal_function=fail)
    rig.pause(0.3)
    with pytest.raises(TimeoutError):
        camera.capture_request(wait=0.5)
    assert rig.hangs(camera.stop)
    camera.cancel_all_and_flush()


def test_a_dead_camera_thread_is_replaced_after_stop_preview(rig: Rig, camera: Any) -> None:
    camera.capture_request(signal_function=lambda _job: 1 / 0)
    rig.pause(0.3)
    camera.cancel_all_and_flush()
    camera.stop_preview()
    camera.stop()
    camera.start()
    camera.capture_request(wait=2.0).release()


def test_an_unknown_control_is_refused_at_once(camera: Any) -> None:
    with pytest.raises(RuntimeError, match="not advertised"):
        camera.set_controls({"ExposureTime": 1000})


def test_an_unknown_control_in_a_configuration_is_noticed_when_it_is_configured_already(rig: Rig, camera: Any) -> None:
    camera.stop()
    with pytest.raises(RuntimeError, match="not advertised"):
        configure(camera, controls={"ExposureTime": 1000})
    camera.start()
    camera.capture_request(wait=2.0).release()


def test_a_value_of_the_wrong_type_is_accepted_and_stops_the_frames(rig: Rig, camera: Any) -> None:
    camera.set_controls({"FrameDurationLimits": (33333.5, 33333.5)})
    rig.pause(0.5)
    with pytest.raises((TimeoutError, RuntimeError, TypeError)):  # noqa: PT012  where it shows is left to chance
        for _ in range(10):
            camera.capture_request(wait=0.5).release()


def test_a_running_camera_cannot_be_configured(camera: Any) -> None:
    with pytest.raises(RuntimeError, match="must be stopped"):
        configure(camera)


def test_a_failed_configuration_leaves_the_camera_without_one(rig: Rig, camera: Any) -> None:
    camera.stop()
    rig.faults.configure_error = -22
    with pytest.raises(RuntimeError, match="Configuration failed"):
        configure(camera)
    rig.faults.configure_error = 0
    assert not camera.camera_configuration()
    configure(camera)
    camera.start()
    camera.capture_request(wait=2.0).release()


def test_memory_that_is_short_shows_as_an_oserror_and_leaves_no_configuration(rig: Rig, camera: Any) -> None:
    camera.stop()
    rig.faults.alloc_fail_after = 2
    with pytest.raises(OSError, match="Cannot allocate memory"):
        configure(camera)
    rig.faults.alloc_fail_after = None
    assert not camera.camera_configuration()
    configure(camera)
    camera.start()
    camera.capture_request(wait=2.0).release()


def test_a_failed_start_raises(rig: Rig, camera: Any) -> None:
    camera.stop()
    rig.faults.start_error = RuntimeError("Failed to start camera")
    with pytest.raises(RuntimeError, match="Failed to start"):
        camera.start()


def test_a_held_request_cannot_be_read_after_close(camera: Any) -> None:
    request = camera.capture_request(wait=2.0)
    camera.close()
    with pytest.raises(RuntimeError, match="failed to find buffer"):
        request.make_buffer("main")
    request.release()
    camera.close()


def test_an_open_camera_is_busy(rig: Rig, camera: Any) -> None:
    with pytest.raises(RuntimeError) as caught:
        rig.factory.open(0)
    assert "busy" in str(caught.value.__cause__)
    camera.capture_request(wait=2.0).release()


def test_a_camera_that_is_not_there_cannot_be_opened(rig: Rig) -> None:
    with pytest.raises((RuntimeError, IndexError)):
        rig.factory.open(9)
