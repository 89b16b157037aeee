"""Finds the Video4Linux devices, and those of them that are cameras by themselves."""

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

# The parts of a Pi's own camera and video pipeline: raw sensors, scalers and decoders, which only libcamera can use.
_PI_DRIVERS = ("unicam", "bcm2835", "rp1-cfe", "pispbe", "rpivid", "rpi-hevc")


@frozen
class Device:
    """Identity and capabilities of a Video4Linux device.

    Attributes:
        driver: Name of its driver, e.g. ``uvcvideo``.
        card: Name of the product.
        captures: Whether it delivers pictures. A camera has further devices that only deliver metadata.
    """

    driver: str
    card: str
    captures: bool

    @property
    def is_camera(self) -> bool:
        """Whether the device can be used without libcamera."""
        return self.captures and not self.driver.startswith(_PI_DRIVERS)


def parse_capability(raw: bytes) -> Device:
    """Return the device that a ``struct v4l2_capability`` describes.

    Raises:
        struct.error: The bytes are not one.
    """
    driver, card, _bus, _version, whole, own = _CAPABILITY.unpack(raw)
    flags = own if whole & _CAP_DEVICE_CAPS else whole
    wanted = _CAP_VIDEO_CAPTURE | _CAP_STREAMING
    return Device(_text(driver), _text(card), captures=flags & wanted == wanted)


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace")


def query(path: Path) -> Device | None:
    """Return identity and capabilities of a device, ``None`` where it is no Video4Linux device or may not be opened."""
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
    """Return the paths of the cameras that Video4Linux serves, in the order of their numbers."""
    numbered = [path for path in folder.glob("video*") if path.name[5:].isdigit()]
    found = ((path, query(path)) for path in sorted(numbered, key=lambda path: int(path.name[5:])))
    return [str(path) for path, device in found if device is not None and device.is_camera]
