"""Fake ioctl of a Video4Linux driver."""

from __future__ import annotations

import errno
import struct

from pi_cam_node.camera.sources.v4l2_controls import AUTO_WHITE_BALANCE, FOCUS_AUTO, WHITE_BALANCE_K

WEBCAM = {FOCUS_AUTO: (0, 1), AUTO_WHITE_BALANCE: (0, 1), WHITE_BALANCE_K: (2800, 6000)}


class FakeDriver:
    """Controls with their ranges; others, and values out of range, are refused as the kernel does."""

    def __init__(self, ranges: dict[int, tuple[int, int]], flags: int = 0) -> None:
        self.ranges, self.flags = ranges, flags
        self.values: dict[int, int] = {}

    def __call__(self, _descriptor: int, request: int, data: bytearray) -> int:
        control = struct.unpack_from("=I", data)[0]
        if control not in self.ranges:
            raise OSError(errno.EINVAL, "Invalid argument")
        least, most = self.ranges[control]
        if request == 0xC0445624:
            struct.pack_into("=iiiiI", data, 40, least, most, 1, least, self.flags)
            return 0
        assert request == 0xC008561C
        value = struct.unpack_from("=i", data, 4)[0]
        if not least <= value <= most:
            raise OSError(errno.ERANGE, "Numerical result out of range")
        self.values[control] = value
        return 0
