"""USB and other Video4Linux cameras, read through OpenCV.

If the camera's exposure can be set, night mode uses the fixed exposure, limited to the camera's maximum. Its gain is
not set, as it has no defined unit to which `night.gain` could be converted.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.source import Adjustments, CameraSettings, Controls, Opened, Shot
from pi_cam_node.camera.sources.opencv_capture import Capture, OpenCapture, Request
from pi_cam_node.camera.sources.v4l2_controls import V4l2Controls, controls_of_device
from pi_cam_node.camera.sources.v4l2_devices import cameras
from pi_cam_node.imaging.frame import Mode, Sensor
from pi_cam_node.imaging.frame_timing import RateLimit

_log = logging.getLogger(__name__)

# Values of V4L2_CID_EXPOSURE_AUTO in linux/v4l2-controls.h; cameras support one of the two automatic ones.
_MANUAL = 1
_AUTOMATIC = (3, 0)
# Unit of V4L2_CID_EXPOSURE_ABSOLUTE.
_EXPOSURE_STEP_US = 100
_BUFFERS = 2
_ADVICE = (
    "it delivers no pictures, or another program uses it; `fuser -v {device}` shows which, and "
    "`v4l2-ctl --list-devices` which devices are cameras"
)


@frozen
class _Exposed:
    """Mode and exposure of an image; ``exposure_us`` is unknown with automatic exposure."""

    mode: Mode
    exposure_us: int | None = None


class V4l2Source:
    """The camera of a device ``/dev/video<n>``."""

    def __init__(
        self,
        device: str,
        opener: OpenCapture = cv2.VideoCapture,
        monotonic: Callable[[], float] = time.monotonic,
        controls_of: Callable[[str], V4l2Controls | None] = controls_of_device,
    ) -> None:
        """Set the device: a path, or the number of ``/dev/video<n>``."""
        self._device = f"/dev/video{device}" if device.isdecimal() else device
        self._title = f"v4l2:{self._device}"
        self._opener, self._monotonic, self._controls_of = opener, monotonic, controls_of
        self._capture: Capture | None = None
        self._controls: V4l2Controls | None = None
        self._adjustments = Adjustments()
        self._framerate = 1.0
        self._limit = RateLimit()
        self._obeys = False
        self._shown = self._coming = _Exposed("day")
        self._late_images = 0

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Open the camera in the supported size nearest to the requested one."""
        self._check_device()
        # MJPG first, as few cameras deliver more than five large uncompressed pictures per second; a camera without
        # MJPG keeps its own format.
        desired = (
            (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
            (cv2.CAP_PROP_FRAME_WIDTH, camera.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, camera.height),
            (cv2.CAP_PROP_FPS, max(1, round(controls.framerate))),
            (cv2.CAP_PROP_BUFFERSIZE, _BUFFERS),
        )
        advice = _ADVICE.format(device=self._device)
        capture = Capture(Request(self._title, self._device, cv2.CAP_V4L2, advice, desired=desired), self._opener)
        self._capture, self._framerate, self._limit = capture, controls.framerate, RateLimit()
        self._obeys = _fix_exposure(capture, controls.exposure_us) is not None and _free_exposure(capture)
        self._shown = self._coming = self._expose(capture, controls)
        settings = ["camera.width", "camera.height", *(["night.exposure_us"] if self._obeys else [])]
        settings += self._open_controls(controls)
        return Opened(self._title, capture.size, "bgr", controls=self._obeys, settings=tuple(settings))

    def read(self) -> Shot:
        """Return the next image within the frame rate."""
        if self._capture is None:
            raise SourceError(f"{self._title} is not open")
        interval_s = 1 / self._framerate
        moment = self._next(self._capture)
        while not self._limit.admits(moment, interval_s):
            moment = self._next(self._capture)
        exposure_us = self._shown.exposure_us
        exposed_s = moment - max(interval_s, (exposure_us or 0) / 1e6)
        return Shot(self._capture.pixels(), exposed_s, moment, self._shown.mode, Sensor(exposure_us))

    def apply(self, controls: Controls) -> None:
        """Set the exposure; images already in the buffers still have the old mode."""
        if self._capture is None:
            raise SourceError(f"{self._title} is not open")
        if self._controls is not None and controls.adjustments != self._adjustments:
            self._controls.apply(controls.adjustments)
            self._adjustments = controls.adjustments
        self._coming, self._late_images = self._expose(self._capture, controls), _BUFFERS
        self._framerate = controls.framerate

    def close(self) -> None:
        """Release the camera."""
        if self._capture is not None:
            self._capture.release()
        if self._controls is not None:
            self._controls.close()
        self._capture = self._controls = None

    def _open_controls(self, controls: Controls) -> tuple[str, ...]:
        """Set focus and white balance if supported; return the keys of the supported settings."""
        self._controls, self._adjustments = self._controls_of(self._device), controls.adjustments
        if self._controls is None:
            return ()
        try:
            self._controls.apply(controls.adjustments)
        except SourceError as error:
            _log.warning("%s", error)  # better such pictures than none
        return self._controls.settings

    def _check_device(self) -> None:
        if not Path(self._device).exists():
            there = ", ".join(cameras()) or "none; check the cable, and in a container pass the device in"
            raise SourceError(f"{self._title} does not exist; cameras that are there: {there}")
        if not os.access(self._device, os.R_OK | os.W_OK):
            raise SourceError(f"{self._title} may not be opened: add the node's user to the group video")

    def _expose(self, capture: Capture, controls: Controls) -> _Exposed:
        """Set the exposure of a mode; without such a control the mode is only a label."""
        if not self._obeys:
            return _Exposed(controls.mode)
        if controls.mode == "day":
            if _free_exposure(capture):
                return _Exposed("day")
        else:
            granted_us = _fix_exposure(capture, controls.exposure_us)
            if granted_us is not None:
                return _Exposed("night", granted_us)
            if self._coming.mode == "day":
                _free_exposure(capture)
        raise SourceError(f"{self._title} refuses the exposure of the mode {controls.mode}")

    def _next(self, capture: Capture) -> float:
        """Read the next image; return its arrival time in monotonic seconds."""
        if not capture.grab():
            raise SourceError(f"{self._title} sends no more pictures; is it still plugged in?")
        if self._late_images == 0:
            self._shown = self._coming
        self._late_images = max(0, self._late_images - 1)
        return self._monotonic()


def _fix_exposure(capture: Capture, exposure_us: int) -> int | None:
    """Set a fixed exposure; return the granted one in microseconds, ``None`` if not supported."""
    steps = max(1, exposure_us // _EXPOSURE_STEP_US)
    if not capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _MANUAL) or not capture.set(cv2.CAP_PROP_EXPOSURE, steps):
        return None
    return round(capture.get(cv2.CAP_PROP_EXPOSURE)) * _EXPOSURE_STEP_US


def _free_exposure(capture: Capture) -> bool:
    """Enable automatic exposure; return whether the camera accepted it."""
    return any(capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, automatic) for automatic in _AUTOMATIC)
