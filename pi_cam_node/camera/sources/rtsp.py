"""Network camera over RTSP, read with OpenCV's FFmpeg; used if the extra ``video`` is not installed.

The camera sets size, rate and exposure; `camera.framerate` only limits how many of its images are used, and day and
night are labels.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.redaction import without_logins
from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot
from pi_cam_node.camera.sources.opencv_capture import Capture, OpenCapture, Request
from pi_cam_node.camera.sources.rtsp_limits import ADVICE, NO_PICTURES, OPEN_TIMEOUT_MS, READ_TIMEOUT_MS
from pi_cam_node.imaging.frame_timing import RateLimit

# TCP, as UDP loses parts of pictures; UDP only if the camera supports nothing else. Without nobuffer and the shorter
# analysis, opening takes three seconds and then delivers the pictures of these three seconds in a burst. OpenCV 4.11's
# own package for Linux ignores all of this, see opencv/opencv#27091, so bursts must be handled anyway.
OPTIONS_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
OPTIONS = "rtsp_flags;prefer_tcp|fflags;nobuffer|analyzeduration;500000"
_PARAMETERS = (
    *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS),
    *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS),
    # Each further thread delays pictures, and prolongs a stall by one timeout.
    *(cv2.CAP_PROP_N_THREADS, 1),
)
# After a pause of this many intervals pictures are queued, as after opening the stream.
_PAUSE_INTERVALS = 4
# Weight of the newest value in the mean wait: many cameras send fewer pictures than announced, and fewer by night.
_NEWEST_SHARE = 1 / 8
# Ten seconds at 30 pictures per second; a limit, as a camera may send faster than its pictures are read.
_MOST_STALE = 300
# Queued pictures come as fast as they are decoded; what goes on for longer is a camera faster than it announces.
_SKIP_MAX_S = 3.0
# A picture that took less than this share of the announced interval had been queued.
_QUEUED_SHARE = 0.25


@contextmanager
def _options() -> Iterator[None]:
    """Set this source's options for OpenCV while opening, unless the user has set some."""
    if OPTIONS_VARIABLE in os.environ:
        yield
        return
    os.environ[OPTIONS_VARIABLE] = OPTIONS
    try:
        yield
    finally:
        del os.environ[OPTIONS_VARIABLE]


class RtspSource:
    """One stream of a network camera."""

    def __init__(
        self, url: str, opener: OpenCapture = cv2.VideoCapture, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Set the address, ``rtsp://[user:password@]host[:port]/path``."""
        self._url = url
        self._title = without_logins(url)
        self._opener, self._monotonic = opener, monotonic
        self._capture: Capture | None = None
        self._controls: Controls | None = None
        self._limit = RateLimit()
        self._announced_s = self._interval_s = self._returned_s = 0.0
        self._is_queued, self._paused = True, False

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Connect."""
        del camera  # a network camera sets its own size
        with _options():
            request = Request(self._title, self._url, cv2.CAP_FFMPEG, ADVICE, _PARAMETERS)
            self._capture = Capture(request, self._opener)
        if not all(self._capture.size):  # OpenCV opens what answers, whatever comes then
            self.close()
            raise SourceError(f"{self._title} {NO_PICTURES}")
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        self._announced_s = self._interval_s = 1 / (rate_hz if 1 <= rate_hz <= 60 else 25)
        self._controls = controls
        self._limit = RateLimit()
        self._is_queued, self._paused = True, False
        return Opened(self._title, self._capture.size, "bgr", controls=False)

    def read(self) -> Shot:
        """Return the next image within the frame rate."""
        if self._capture is None or self._controls is None:
            raise SourceError(f"{self._title} is not open")
        interval_s = 1 / self._controls.framerate
        moment = self._next_live(self._capture)
        while not self._limit.admits(moment, interval_s):
            moment = self._next_live(self._capture)
        return Shot(self._capture.pixels(), moment - interval_s, moment, self._controls.mode)

    def apply(self, controls: Controls) -> None:
        """Apply frame rate and mode; the mode is only a label."""
        self._controls = controls

    def close(self) -> None:
        """Disconnect."""
        if self._capture is not None:
            self._capture.release()
        self._capture = None

    def _next_live(self, capture: Capture) -> float:
        """Read the next image that was not queued; return its arrival time in monotonic seconds."""
        # During the time that a picture takes in this program, the next ones come.
        self._is_queued |= self._monotonic() - self._returned_s > self._announced_s
        began_s = self._monotonic()
        for _ in range(_MOST_STALE):
            self._is_queued = self._is_past(self._next(capture))
            if not self._is_queued or self._monotonic() - began_s > _SKIP_MAX_S:
                break
        self._is_queued = False
        self._returned_s = self._monotonic()
        return self._returned_s

    def _is_past(self, took_s: float) -> bool:
        """Return whether a picture may have been queued, by the seconds spent waiting for it."""
        paused_before, self._paused = self._paused, took_s > _PAUSE_INTERVALS * self._interval_s
        if self._is_queued:
            if paused_before and self._paused:  # queued pictures would have come at once: this camera is that slow
                self._interval_s = took_s
            # A picture that was available at once had been queued.
            return took_s < self._announced_s * _QUEUED_SHARE
        if not self._paused:
            mean_s = self._interval_s + (took_s - self._interval_s) * _NEWEST_SHARE
            self._interval_s = max(self._announced_s, mean_s)
        return self._paused

    def _next(self, capture: Capture) -> float:
        """Read the next image; return the seconds that this took."""
        began = self._monotonic()
        came = capture.grab()
        took_s = self._monotonic() - began
        # If its timeout ends a read, OpenCV returns an old picture without an error.
        if not came or took_s >= READ_TIMEOUT_MS / 1000:
            raise SourceError(f"{self._title} sends no more pictures")
        return took_s
