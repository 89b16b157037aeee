"""Film in a file, played in real time, over and over."""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot
from pi_cam_node.camera.sources.opencv_capture import Capture, OpenCapture, Request
from pi_cam_node.camera.sources.pacing import Metronome

_ADVICE = "OpenCV cannot decode it; convert it, for example with `ffmpeg -i <film> -c:v mjpeg -q:v 3 <new>.avi`"


class VideoFileSource:
    """A video file. Size and rate are those of the file; the rate is thinned to `camera.framerate` where it is faster.

    At its end it begins again. Day and night are labels.
    """

    def __init__(self, path: str, opener: OpenCapture = cv2.VideoCapture) -> None:
        """Take the path; a relative one counts from the working directory of the node."""
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
        """Begin at the film's first image."""
        del camera  # a film has its own size
        self._capture = self._load()
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        # A film that is slower would look like a camera that hangs.
        self._rate_hz = min(max(rate_hz, 1.0), 240.0) if rate_hz > 0 else 25.0
        self._controls = controls
        self._metronome.restart()
        return Opened(self._title, self._capture.size, "bgr", controls=False, live=False)

    def read(self) -> Shot:
        """Return the next image when its time has come."""
        if self._capture is None or self._controls is None:
            raise SourceError(f"{self._title} is not open")
        interval_s = max(1 / self._rate_hz, 1 / self._controls.framerate)
        # Rounded: a hair less than one image would be none.
        self._advance(round(interval_s * self._rate_hz, 6))
        moment = self._metronome.wait(interval_s)
        return Shot(self._capture.pixels(), moment - interval_s, moment, self._controls.mode)

    def apply(self, controls: Controls) -> None:
        """Take the rate and the mode, which is only a label."""
        self._controls = controls

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
        self._capture = None

    def _load(self) -> Capture:
        if not self._path.is_file():
            raise SourceError(f"{self._title} does not exist; the node runs in {Path.cwd()}")
        if not os.access(self._path, os.R_OK):
            raise SourceError(f"{self._title} may not be read by the user that the node runs as")
        return Capture(Request(self._title, str(self._path), cv2.CAP_ANY, _ADVICE), self._opener)

    def _advance(self, images: float) -> None:
        """Read so many images of the film; the fraction of an image is kept for the next time."""
        self._owed += images
        while self._owed >= 1:
            self._owed -= 1
            if self._capture is not None and not self._capture.grab():
                self._rewind()
            self._played += 1

    def _rewind(self) -> None:
        """Open the film anew at its end: not every format can be wound back."""
        if self._played == 0:
            raise SourceError(f"{self._title} holds no image that OpenCV can decode")
        self.close()
        self._capture, self._played = self._load(), 0
        if not self._capture.grab():
            raise SourceError(f"{self._title} holds no image that OpenCV can decode")
