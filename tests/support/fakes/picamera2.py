"""Fake Picamera2 with the measured behaviour of the real one, on a clock advanced by hand.

What it copies is what hurts: a capture that timed out stays queued and takes a buffer later; a
camera without free buffers is silent; `stop` waits behind stuck jobs; an exception in a callback or a
value of the wrong type ends the camera thread; `configure` grants other things than were asked, and
a failed one leaves nothing configured; `close` makes held requests unreadable. The same tests run on
this and on the real library: tests/conformance/test_picamera2_behaviour.py.
"""

from __future__ import annotations

import errno
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from pi_cam_node.imaging.jpeg import Pixels
from tests.support.fakes.camera_clock import FakeCameraClock
from tests.support.fakes.picamera2_requests import FOR_EVER_S, FakeJob, FakeRequest, Hang, Segfault
from tests.support.fakes.picamera2_sensor import FakeSensor, Faults, well_typed

# Time from the end of the first row's exposure until the frame is available.
READOUT_NS = 20_000_000

_BYTES_A_PIXEL = {"YUV420": 1, "YVU420": 1, "NV12": 1, "NV21": 1, "YUYV": 2, "RGB888": 3, "BGR888": 3, "MJPEG": 1}


class FakeRun:
    """Memory allocated at the start of a camera, with a reference cycle as in picamera2's objects."""

    def __init__(self) -> None:
        self.itself = self


class FakePicamera2:
    """One opened camera. `happen` does the work of its thread, and is called by the clock.

    Attributes:
        runs: Allocations of each start, as weak references.
    """

    def __init__(self, clock: FakeCameraClock, faults: Faults, advertised: dict[str, tuple[Any, Any, Any]]) -> None:
        self.is_open = True
        self.started = False
        self.run_number = 0
        self.controls_at_start: list[dict[str, Any]] = []
        self.runs: list[weakref.ref[FakeRun]] = []
        self._run: FakeRun | None = None
        self._clock = clock
        self._faults = faults
        self._advertised = advertised
        self._sensor = self.sensor = FakeSensor(faults)
        self._thread: Literal["none", "alive", "dead"] = "none"
        self._prodded = False
        self._config: dict[str, Any] = {}
        self._controls: dict[str, Any] = {}
        self._jobs: list[FakeJob] = []
        self._completed: list[FakeRequest] = []
        self._free: list[Pixels] = []
        self._buffer_bytes = 0
        self._frame_number = 0
        self._next_frame_ns = 0
        self._a_start_failed = False
        self._doomed = False
        clock.ticking.append(self)

    # -- configuration

    @property
    def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
        return dict(self._advertised)

    def create_video_configuration(
        self,
        main: Mapping[str, Any] = {},
        colour_space: object = None,
        buffer_count: int = 6,
        controls: Mapping[str, Any] = {},
        queue: bool = True,
        use_case: str = "video",
    ) -> dict[str, Any]:
        stream = {"format": "XBGR8888", "size": (1280, 720)} | dict(main)
        bad = sorted(set(stream) - {"format", "size", "stride", "preserve_ar"})
        if bad:
            raise ValueError(f"Bad key {bad[0]!r}: valid stream configuration keys are ...")
        stream["size"] = tuple(side - side % 2 for side in stream["size"])
        duration = {"FrameDurationLimits": (33_333, 33_333) if use_case == "video" else (100, 10**9)}
        own = duration if "AeEnable" in self._advertised else {}
        return {
            "use_case": use_case,
            "main": stream,
            "colour_space": colour_space,
            "buffer_count": buffer_count,
            "controls": own | dict(controls),
            "queue": queue,
        }

    def create_still_configuration(
        self,
        main: Mapping[str, Any] = {},
        buffer_count: int = 1,
        controls: Mapping[str, Any] = {},
        queue: bool = True,
        use_case: str = "still",
        colour_space: object = "sYCC",
    ) -> dict[str, Any]:
        return self.create_video_configuration(main, colour_space, buffer_count, controls, queue, use_case)

    def configure(self, camera_config: Mapping[str, Any] | None = None) -> None:
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        config = dict(camera_config or self.create_video_configuration())
        self._config = {}
        if self._faults.configure_error:
            self._faults.heal()
            raise RuntimeError(f"Configuration failed: {config}")
        config["main"] = self._grant(config)
        self._free = [self._allocate(config["main"]) for _ in range(config["buffer_count"])]
        self._config = config
        self._controls = {}
        self.set_controls(config["controls"])

    def _grant(self, config: dict[str, Any]) -> dict[str, Any]:
        main: dict[str, Any] = config["main"] | self._faults.granted
        if config["use_case"] == "still":
            main |= self._faults.granted_still
        return {"stride": main["size"][0] * _BYTES_A_PIXEL.get(main["format"], 4)} | main

    def _allocate(self, main: dict[str, Any]) -> Pixels:
        if self._faults.alloc_fail_after is not None:
            if self._faults.alloc_fail_after <= 0:
                self._faults.heal()
                raise OSError(errno.ENOMEM, "Cannot allocate memory")
            self._faults.alloc_fail_after -= 1
        rows = main["size"][1] * 3 // 2 if main["format"] in ("YUV420", "YVU420", "NV12", "NV21") else main["size"][1]
        self._buffer_bytes = rows * main["stride"]
        return np.zeros(self._buffer_bytes, np.uint8)

    def camera_configuration(self) -> dict[str, Any]:
        return self._config

    def stream_configuration(self, name: str = "main") -> dict[str, Any]:
        stream: dict[str, Any] = self._config[name]
        return stream

    def set_controls(self, controls: Mapping[str, Any]) -> None:
        for name in controls:
            if name not in self._advertised:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
            self._controls[name] = controls[name]

    # -- start and stop

    def start(self) -> None:
        if not self._config:
            raise RuntimeError("Camera has not been configured")
        # An ended thread is not replaced, as picamera2 assumes that it still runs.
        self._thread = "dead" if self._thread == "dead" else "alive"
        self._doomed = self._a_start_failed
        controls, self._controls = self._controls, {}
        if self._faults.start_error is not None or not well_typed(controls):
            self._a_start_failed = True
            error = self._faults.start_error or RuntimeError("Unable to cast Python instance to C++ type")
            self._faults.heal()
            raise error
        self._sensor.start(controls)
        self.controls_at_start.append(controls)
        self._run = FakeRun()
        self.runs.append(weakref.ref(self._run))
        self.started = True
        self._next_frame_ns = self._clock.now_ns + self._sensor.interval_ns

    def stop_preview(self) -> None:
        if self._thread == "none":
            raise RuntimeError("No preview specified.")
        self._thread = "none"

    def stop(self) -> None:
        if not self.started:
            return
        if self._thread == "dead":
            raise Hang("stop() waits for a thread that is dead")
        if self._thread == "alive" and not self._clock.run(FOR_EVER_S, lambda: not self._jobs):
            raise Hang("stop() waits behind a job that waits for a frame")
        if self._doomed:
            raise Segfault("the camera was started again after a failed start")
        self.started = False
        self._run = None
        self.run_number += 1
        self._completed.clear()
        self._free = [np.zeros(self._buffer_bytes, np.uint8) for _ in range(self._config["buffer_count"])]

    def close(self) -> None:
        if not self.is_open:
            return
        self._thread = "none"
        self.stop()
        self.is_open = False
        self._config = {}
        self._clock.ticking.remove(self)

    # -- captures

    def capture_request(
        self,
        wait: float | bool | None = None,
        signal_function: Callable[[Any], None] | None = None,
        flush: bool | None = None,
    ) -> Any:
        job = FakeJob(self._clock, lambda: self._completed.pop(0) if self._completed else None, signal_function)
        self._jobs.append(job)
        self._prodded = bool(self._completed)
        if wait is None:
            wait = signal_function is None
        return job.get_result(None if wait is True else wait) if wait else job

    def cancel_all_and_flush(self) -> None:
        for job in self._jobs:
            job.cancel()
        self._jobs.clear()

    # -- the camera's thread

    def due_ns(self) -> int | None:
        if self._thread != "alive":
            return None
        if self._prodded:
            return self._clock.now_ns
        return self._next_frame_ns if self.started and self._free and not self._faults.stalled else None

    def happen(self) -> None:
        if self._prodded:
            self._prodded = False
        else:
            self._completed.append(self._expose())
        try:
            self._process()
        except Exception:
            self._thread = "dead"

    def _expose(self) -> FakeRequest:
        self._frame_number += 1
        self._sensor.expose(self._frame_number)
        self._next_frame_ns = self._clock.now_ns + self._sensor.interval_ns
        memory = self._free.pop(0)
        contents = np.frombuffer(self._faults.contents(self._frame_number), np.uint8)
        memory[:] = contents if len(contents) == 1 else 0
        memory[: len(contents)] = contents
        stamp = {"SensorTimestamp": self._clock.boottime_ns() - READOUT_NS}
        return FakeRequest(self, memory, self._faults.says(stamp | self._sensor.metadata))

    def _process(self) -> None:
        finished = []
        while self._jobs and self._jobs[0].execute():
            finished.append(self._jobs.pop(0))
        kept = 1 if self._config["queue"] and self._config["buffer_count"] > 1 else 0
        while len(self._completed) > kept:
            self._completed.pop(0).release()
        for job in finished:
            job.signal()

    def requeue(self, memory: Pixels) -> None:
        """Return a buffer to the sensor, with pending controls."""
        if not well_typed(self._controls):
            raise RuntimeError("Unable to cast Python instance to C++ type")
        if not self._free:
            self._next_frame_ns = self._clock.now_ns + self._sensor.interval_ns
        self._free.append(memory)
        controls, self._controls = self._controls, {}
        if controls:
            self._sensor.send(controls, self._frame_number)
