"""Video file as a source, played in real time in a loop."""

from __future__ import annotations

from pathlib import Path

import cv2

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot, require_file
from pi_cam_node.camera.sources.opencv_capture import Capture, OpenCapture, Request
from pi_cam_node.camera.sources.pacing import Metronome

_ADVICE = (
    "OpenCV can decode no picture of it; convert it, for example with `ffmpeg -i <film> -c:v mjpeg -q:v 3 <new>.avi`"
)


class VideoFileSource:
    """A video file, with its own size and frame rate, which is reduced to `camera.framerate` if that is lower.

    Day and night are labels.
    """

    def __init__(self, path: str, opener: OpenCapture = cv2.VideoCapture) -> None:
        """Set the path; a relative one is relative to the node's working directory."""
        self._path = Path(path)
        self._title = f"file:{path}"
        self._opener = opener
        self._capture: Capture | None = None
        self._controls: Controls | None = None
        self._metronome = Metronome()
        self._rate_hz = 25.0
        self._owed = 0.0
        self._played = 0

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Open the file at its first image."""
        del camera  # a video file has its own size
        self._capture = self._load()
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        # A slower film would look like a hung camera.
        self._rate_hz = min(max(rate_hz, 1.0), 240.0) if rate_hz > 0 else 25.0
        self._controls = controls
        self._metronome.restart()
        return Opened(self._title, self._capture.size, "bgr", controls=False, live=False)

    def read(self) -> Shot:
        """Wait for the next image's time and return the image."""
        if self._capture is None or self._controls is None:
            raise SourceError(f"{self._title} is not open")
        interval_s = max(1 / self._rate_hz, 1 / self._controls.framerate)
        # Rounded, so that floating-point errors do not turn one image into none.
        self._advance(round(interval_s * self._rate_hz, 6))
        moment = self._metronome.wait(interval_s)
        return Shot(self._capture.pixels(), moment - interval_s, moment, self._controls.mode)

    def apply(self, controls: Controls) -> None:
        """Apply frame rate and mode; the mode is only a label."""
        self._controls = controls

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
        self._capture = None

    def _load(self) -> Capture:
        require_file(self._path, self._title)
        # Turns a film of a phone as it was held; not every version of OpenCV does so by default.
        upright = ((cv2.CAP_PROP_ORIENTATION_AUTO, 1),)
        return Capture(Request(self._title, str(self._path), cv2.CAP_ANY, _ADVICE, desired=upright), self._opener)

    def _advance(self, images: float) -> None:
        """Read a number of images; the fraction is carried over to the next call."""
        self._owed += images
        while self._owed >= 1:
            self._owed -= 1
            if self._capture is not None and not self._capture.grab():
                self._rewind()
            self._played += 1

    def _rewind(self) -> None:
        """Reopen the file at its end, as not every format supports seeking."""
        if self._played == 0:
            raise SourceError(f"cannot play {self._title}: {_ADVICE}")
        self.close()
        self._capture, self._played = self._load(), 0
        if not self._capture.grab():
            raise SourceError(f"cannot play {self._title}: {_ADVICE}")
