"""Source ``auto``: the first real camera of this machine, never the synthetic one."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot, Source
from pi_cam_node.camera.sources.picam.cameras import known_cameras
from pi_cam_node.camera.sources.picam.interface import InstalledPicamera2
from pi_cam_node.camera.sources.picam.source import Picamera2Source
from pi_cam_node.camera.sources.v4l2_devices import cameras

_log = logging.getLogger(__name__)


class AutoSource:
    """The first Pi camera listed by libcamera, else the first Video4Linux camera; detected at each `open`."""

    def __init__(self, _rest: str = "") -> None:
        self._chosen: Source | None = None

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Detect a camera and open it."""
        self._chosen = _find()
        return self._chosen.open(camera, controls)

    def read(self) -> Shot:
        """Return the next image of the camera found."""
        if self._chosen is None:
            raise SourceError("no camera is open")
        return self._chosen.read()

    def apply(self, controls: Controls) -> None:
        """Pass the controls on."""
        if self._chosen is None:
            raise SourceError("no camera is open")
        self._chosen.apply(controls)

    def close(self) -> None:
        """Close the camera that was found."""
        if self._chosen is not None:
            self._chosen.close()


def _usb_cause() -> str:
    devices = sorted(Path("/dev").glob("video*"))
    if not devices:
        return "there is no /dev/video*; check the cable, and in a container pass the device in"
    if not any(os.access(device, os.R_OK | os.W_OK) for device in devices):
        return "the node's user may open none of /dev/video*; add it to the group video"
    return "none of /dev/video* is a camera (`v4l2-ctl --list-devices`)"


def _find() -> Source:
    """Return the source of the first camera found.

    Raises:
        SourceError: There is none.
    """
    try:
        listed_cameras = known_cameras(InstalledPicamera2())
        cause = "libcamera (`rpicam-hello --list-cameras`) finds none"
    except SourceError as error:
        listed_cameras, cause = [], str(error)
    for listed in listed_cameras:
        if not listed.is_usb:
            _log.info("the camera is picamera2:%s", listed.model)
            return Picamera2Source(listed.id)
    for device in cameras():
        _log.info("the camera is v4l2:%s", device)
        from pi_cam_node.camera.sources.v4l2 import V4l2Source  # noqa: PLC0415 - brings OpenCV, which a Pi camera does without

        return V4l2Source(device)
    raise SourceError(
        f"no camera found. Pi camera: {cause}. USB: {_usb_cause()}. Otherwise set camera.source to an rtsp:// or "
        "http:// address, or to file:<path>"
    )
