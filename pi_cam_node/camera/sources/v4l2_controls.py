"""Focus and white balance of Video4Linux cameras.

OpenCV supports only some of these controls, and does not report whether the camera has them. So they are queried and
set by ioctl, on a second descriptor beside the capture's. Source: linux/videodev2.h and linux/v4l2-controls.h.

`camera.lens_position` and `camera.exposure_compensation` are not supported, as the focus distance of Video4Linux has no
unit, and USB cameras have no exposure compensation.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
from collections.abc import Callable, Mapping

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.source import Adjustments

_log = logging.getLogger(__name__)

# VIDIOC_QUERYCTRL with struct v4l2_queryctrl, VIDIOC_S_CTRL with struct v4l2_control.
_QUERY, _SET = 0xC0445624, 0xC008561C
_QUERYCTRL, _CONTROL = struct.Struct("=II32siiiiI8x"), struct.Struct("=Ii")
_DISABLED, _READ_ONLY = 0x1, 0x4

AUTO_WHITE_BALANCE, WHITE_BALANCE_K = 0x0098090C, 0x0098091A
FOCUS_AUTO = 0x009A090C
# Colour temperature of each white balance preset, in kelvin.
_KELVIN = {"daylight": 5500, "indoor": 3200, "tungsten": 2800, "fluorescent": 4000, "cloudy": 6500}

Ioctl = Callable[[int, int, bytearray], object]


@frozen
class Range:
    """Minimum and maximum of a control."""

    minimum: int
    maximum: int

    def clamped(self, value: int) -> int:
        """Return the nearest value that the control accepts."""
        return min(max(value, self.minimum), self.maximum)


class V4l2Controls:
    """Controls of one camera. Thread: the source's.

    Args:
        device: Path of the camera.
        ioctl: `fcntl.ioctl`; replaced in tests.

    Raises:
        OSError: The device cannot be opened.
    """

    def __init__(self, device: str, ioctl: Ioctl = fcntl.ioctl) -> None:
        self._device, self._ioctl = device, ioctl
        self._descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        found = {control: self._range(control) for control in (AUTO_WHITE_BALANCE, WHITE_BALANCE_K, FOCUS_AUTO)}
        self._ranges: Mapping[int, Range] = {control: each for control, each in found.items() if each is not None}

    @property
    def settings(self) -> tuple[str, ...]:
        """Keys of the settings that the camera supports; see `Opened.settings`."""
        focuses, balances = FOCUS_AUTO in self._ranges, {AUTO_WHITE_BALANCE, WHITE_BALANCE_K} <= set(self._ranges)
        return (*(["camera.autofocus"] if focuses else []), *(["camera.awb"] if balances else []))

    def apply(self, adjustments: Adjustments) -> None:
        """Set the supported controls.

        Raises:
            SourceError: The camera refused a value, or a single autofocus run was requested.
        """
        served = self.settings
        if "camera.autofocus" in served and adjustments.autofocus == "auto":
            raise SourceError("a USB camera does not focus once: camera.autofocus is continuous or manual")
        try:
            if "camera.autofocus" in served:
                self._set(FOCUS_AUTO, int(adjustments.autofocus == "continuous"))
            if "camera.awb" in served:
                self._set(AUTO_WHITE_BALANCE, int(adjustments.awb == "auto"))
                if adjustments.awb != "auto":
                    self._set(WHITE_BALANCE_K, _KELVIN[adjustments.awb])
        except OSError as error:
            raise SourceError(f"{self._device} refuses focus or white balance: {error}") from error

    def close(self) -> None:
        """Close the device. Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _range(self, control: int) -> Range | None:
        """Return the range of a control; ``None`` if the camera does not have it, or it cannot be set."""
        asked = bytearray(_QUERYCTRL.pack(control, 0, b"", 0, 0, 0, 0, 0))
        try:
            self._ioctl(self._descriptor, _QUERY, asked)
        except OSError:
            return None
        _, _, _, minimum, maximum, _, _, flags = _QUERYCTRL.unpack(asked)
        return None if flags & (_DISABLED | _READ_ONLY) else Range(minimum, maximum)

    def _set(self, control: int, value: int) -> None:
        self._ioctl(self._descriptor, _SET, bytearray(_CONTROL.pack(control, self._ranges[control].clamped(value))))


def controls_of_device(device: str) -> V4l2Controls | None:
    """Return the controls of a camera; ``None`` if its device cannot be opened a second time."""
    try:
        return V4l2Controls(device)
    except OSError as error:
        _log.info("the controls of %s cannot be read: %s", device, error)
        return None
