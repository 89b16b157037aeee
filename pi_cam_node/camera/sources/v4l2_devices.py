"""Finds Video4Linux devices, and those of them that are usable as cameras."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from pi_cam_node.base.frozen import frozen

# struct v4l2_capability of linux/videodev2.h: driver, card, bus_info, version, capabilities, device_caps, reserved.
_CAPABILITY = struct.Struct("16s32s32sIII12x")
_VIDIOC_QUERYCAP = 2 << 30 | _CAPABILITY.size << 16 | ord("V") << 8
_CAP_VIDEO_CAPTURE = 0x1
_CAP_STREAMING = 0x04000000
_CAP_DEVICE_CAPS = 0x80000000

# Drivers of a Pi's own camera and video pipeline: raw sensors, scalers and decoders, usable through libcamera only.
_PI_DRIVERS = ("unicam", "bcm2835", "rp1-cfe", "pispbe", "rpivid", "rpi-hevc")


@frozen
class Device:
    """Identity and capabilities of a Video4Linux device.

    Attributes:
        driver: Name of its driver, e.g. ``uvcvideo``.
        card: Name of the product.
        captures: Whether it delivers pictures; a camera also has devices that deliver metadata only.
    """

    driver: str
    card: str
    captures: bool

    @property
    def is_camera(self) -> bool:
        """Whether the device can be used without libcamera."""
        return self.captures and not self.driver.startswith(_PI_DRIVERS)


def parse_capability(raw: bytes) -> Device:
    """Parse a ``struct v4l2_capability``.

    Raises:
        struct.error: The length is wrong.
    """
    driver, card, _bus, _version, whole, own = _CAPABILITY.unpack(raw)
    flags = own if whole & _CAP_DEVICE_CAPS else whole
    wanted = _CAP_VIDEO_CAPTURE | _CAP_STREAMING
    return Device(_text(driver), _text(card), captures=flags & wanted == wanted)


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace")


def query(path: Path) -> Device | None:
    """Return identity and capabilities of a device; ``None`` if it is not Video4Linux or cannot be opened."""
    answer = bytearray(_CAPABILITY.size)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.ioctl(descriptor, _VIDIOC_QUERYCAP, answer)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return parse_capability(bytes(answer))


def cameras(folder: Path = Path("/dev")) -> list[str]:
    """Return the paths of usable Video4Linux cameras, ordered by number."""
    numbered = [path for path in folder.glob("video*") if path.name[5:].isdigit()]
    found = ((path, query(path)) for path in sorted(numbered, key=lambda path: int(path.name[5:])))
    return [str(path) for path, device in found if device is not None and device.is_camera]
