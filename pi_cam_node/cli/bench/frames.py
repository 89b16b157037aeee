"""Measurement of the cost of a frame: the camera's process, and the stages that a frame passes in the node."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.camera import Camera
from pi_cam_node.cli.bench.advice import FrameCost, Size
from pi_cam_node.config import Config
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CameraFailed, CameraOpened
from pi_cam_node.core.pipeline import Pipeline
from pi_cam_node.core.rules.memory_budget import limits_of
from pi_cam_node.core.rules.night import NightController
from pi_cam_node.core.rules.ring import Ring
from pi_cam_node.imaging.frame import Demand, Frame, RawImage

# A small board may take ten seconds to start the process, and a network camera as long to its first picture.
FIRST_FRAME_S = 40.0
# Time for exposure and caches to settle.
SETTLE_S = 1.0
STOP_S = 3.0
# Enough for the few frames of a measurement.
RING_BYTES = 32 << 20
STAGE_ROUNDS = 10
_CPUCLOCK_SCHED = 2


def cpu_s(pid: int) -> float:
    """Return the processor time of all threads of a process, in seconds.

    Source: clock_getcpuclockid(3) and the kernel's posix-timers.h, which derive a clock id from a process id.
    """
    return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


class FramePath:
    """A camera and the stages that a frame passes in the node, without a broker. Used by one thread.

    Attributes:
        title: The camera's description.
        latest: The newest frame.
    """

    def __init__(self, config: Config, inbox: Inbox, camera: Camera) -> None:
        """Create the stages for a started camera and the inbox that it fills."""
        clock = SystemClock()
        self._config, self._inbox, self._camera = config, inbox, camera
        ring = Ring(limits_of(config, 0, RING_BYTES))
        self._pipeline = Pipeline(config, ring, NightController(config.night, clock.monotonic()))
        self.title = ""
        self.latest: Frame | None = None

    def measure(self, size: Size, seconds: float) -> FrameCost:
        """Set a size, and measure the cost of a frame.

        Raises:
            SourceError: The camera delivers no frames.
        """
        asked = self._config.camera.model_copy(update={"width": size[0], "height": size[1]})
        if (asked.width, asked.height) != (self._config.camera.width, self._config.camera.height) or not self.title:
            self._config = self._config.model_copy(update={"camera": asked})
            self._camera.reconfigure(self._config)
            self._wait_for_camera()
        self._run(min(SETTLE_S, seconds))
        return self._count(seconds)

    def _wait_for_camera(self) -> None:
        """Wait until the camera is open with the settings given last."""
        deadline_s = time.monotonic() + FIRST_FRAME_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            match self._inbox.take(left_s):
                case CameraOpened(source=source):
                    self.title = source
                    return
                case CameraFailed(reason=reason):
                    raise SourceError(reason)
        raise SourceError(f"the camera was not open within {FIRST_FRAME_S:.0f} s")

    def _count(self, seconds: float) -> FrameCost:
        child = self._camera.pid
        camera_s, node_s = cpu_s(child) if child is not None else 0.0, time.process_time()
        frames, jpeg_bytes = self._run(seconds)
        node_s = time.process_time() - node_s
        camera_s = cpu_s(child) - camera_s if child is not None and child == self._camera.pid else 0.0
        if not frames or self.latest is None:
            raise SourceError(f"no frame came within {seconds + FIRST_FRAME_S:.0f} s")
        per_frame = 1000 / frames
        luma_ms, encode_ms = self._stages()
        costs = (camera_s * per_frame, node_s * per_frame, luma_ms, encode_ms)
        return FrameCost(self.latest.size, *costs, jpeg_bytes // frames)

    def _stages(self) -> tuple[float, float]:
        """Return the time for luma and for encoding of a frame in milliseconds, which the camera's cost contains.

        Measured here, on the pixels of one frame, with the functions that the camera's process uses.
        """
        self._camera.demand(time.monotonic(), Demand(raw=True))
        end_s = time.monotonic() + FIRST_FRAME_S
        while (left_s := end_s - time.monotonic()) > 0:
            match self._inbox.take(left_s):
                case Frame(raw=RawImage() as raw):
                    return _timed_stages(raw, self._config.ring.quality)
                case CameraFailed(reason=reason):
                    raise SourceError(reason)
        raise SourceError("no frame came with its pixels")

    def _run(self, seconds: float) -> tuple[int, int]:
        """Process frames for a while, at least one; return their number and the length of all JPEGs."""
        frames, jpeg_bytes = 0, 0
        end_s = time.monotonic() + seconds
        last_s = end_s + FIRST_FRAME_S
        while (left_s := (end_s if frames else last_s) - time.monotonic()) > 0:
            match self._inbox.take(left_s):
                case Frame() as frame:
                    jpeg_bytes += len(frame.jpeg)
                    self._pipeline.process(frame, time.monotonic(), [])
                    frames, self.latest = frames + 1, frame
                case CameraFailed(reason=reason):
                    raise SourceError(reason)
        return frames, jpeg_bytes


def _timed_stages(raw: RawImage, quality: int) -> tuple[float, float]:
    import numpy as np  # noqa: PLC0415 - as a node without work on pixels, the program starts without it

    from pi_cam_node.imaging import jpeg, luma  # noqa: PLC0415

    width, height = raw.size
    shape = (height, width, 3) if raw.layout == "bgr" else (height * 3 // 2, width)
    pixels = np.frombuffer(raw.data, np.uint8).reshape(shape)
    luma.mean_luma(pixels, raw.layout)
    begin_s = time.thread_time()
    for _ in range(STAGE_ROUNDS):
        luma.mean_luma(pixels, raw.layout)
    measured_s = time.thread_time()
    for _ in range(STAGE_ROUNDS):
        jpeg.encode(pixels, raw.layout, quality)
    per_round = 1000 / STAGE_ROUNDS
    return (measured_s - begin_s) * per_round, (time.thread_time() - measured_s) * per_round


@contextmanager
def frame_path(config: Config) -> Iterator[FramePath]:
    """Start the configured camera, and stop it at the end.

    Raises:
        SourceError: Privacy is on.
    """
    if config.privacy.enable:
        raise SourceError("privacy is on; the camera is left alone")
    inbox = Inbox()
    camera = Camera(config, inbox, SystemClock())
    camera.start()
    try:
        yield FramePath(config, inbox, camera)
    finally:
        camera.stop(STOP_S)
