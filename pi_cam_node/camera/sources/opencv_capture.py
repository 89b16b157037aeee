"""Wrapper of OpenCV's `VideoCapture`, for all sources that use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.source import BadImage
from pi_cam_node.imaging.jpeg import Pixels

# As in `imaging`, which is not imported here.
cv2.setNumThreads(1)

OpenCapture = Callable[[str, int, list[int]], Any]
"""`cv2.VideoCapture`, or what a test puts in its place: called with name, backend and parameters."""


@frozen
class Request:
    """Address, backend and properties for opening a `Capture`.

    Attributes:
        title: Name for error messages; contains no secret.
        name: Path, device or address.
        backend: One of OpenCV's ``CAP_…``.
        advice: Advice for the error message if it cannot be opened, as OpenCV gives no reason.
        parameters: Alternating properties and values for opening; a refused one makes opening fail.
        desired: Properties and values to be set afterwards; the backend may refuse any of them.
    """

    title: str
    name: str
    backend: int
    advice: str
    parameters: Sequence[int] = ()
    desired: Sequence[tuple[int, float]] = ()


class Capture:
    """An open `cv2.VideoCapture` that raises instead of returning flags.

    It never recovers from a failed read, even if the camera does (measured): close it and open a new one.
    """

    def __init__(self, request: Request, opener: OpenCapture) -> None:
        """Open the requested capture.

        Raises:
            SourceError: OpenCV cannot open it.
        """
        self._title = request.title
        self._handle = opener(request.name, request.backend, list(request.parameters))
        if not self._handle.isOpened():
            self._handle.release()
            raise SourceError(f"cannot open {request.title}: {request.advice}")
        for what, value in request.desired:
            self.set(what, value)
        self.size = (round(self.get(cv2.CAP_PROP_FRAME_WIDTH)), round(self.get(cv2.CAP_PROP_FRAME_HEIGHT)))

    def grab(self) -> bool:
        """Grab the next image without decoding it; return whether there was one."""
        return bool(self._handle.grab())

    def pixels(self) -> Pixels:
        """Decode the image grabbed last; return it as (height, width, 3) uint8 BGR.

        Raises:
            BadImage: The image is damaged, or its size differs from that of earlier ones.
        """
        ok, image = self._handle.retrieve()
        if not ok or image is None:
            raise BadImage(f"{self._title}: an image cannot be decoded")
        width, height = self.size
        if image.dtype != np.uint8 or image.shape != (height, width, 3):
            raise BadImage(f"{self._title}: an image of shape {image.shape} came instead of {(height, width, 3)}")
        return np.asarray(image, dtype=np.uint8)

    def get(self, what: int) -> float:
        """Return a property; 0 or less if the backend does not support it."""
        return float(self._handle.get(what))

    def set(self, what: int, value: float) -> bool:
        """Set a property; return whether the backend accepts it."""
        return bool(self._handle.set(what, value))

    def release(self) -> None:
        """Release the capture."""
        self._handle.release()
