"""Factory of fake Pi cameras."""

from __future__ import annotations

from typing import Any

from tests.support.fakes.camera_clock import FakeCameraClock
from tests.support.fakes.picamera2 import FakePicamera2
from tests.support.fakes.picamera2_sensor import PI_CONTROLS, Faults

ONE_CAMERA = [{"Model": "imx219", "Id": "/base/soc/i2c0mux/i2c@1/imx219@10", "Num": 0, "Location": 2}]


class FakeFactory:
    """Opens fake cameras.

    Attributes:
        clock: Their clock.
        faults: Their faults, shared by all of them.
        listed: Result of ``global_camera_info``.
        advertised: Their controls.
        opened: All opened cameras, in order.
        open_error: Exception raised by opening, if set.
    """

    def __init__(self) -> None:
        self.clock = FakeCameraClock()
        self.faults = Faults()
        self.listed: list[dict[str, Any]] = list(ONE_CAMERA)
        self.advertised = dict(PI_CONTROLS)
        self.opened: list[FakePicamera2] = []
        self.numbers: list[int] = []
        self.open_error: Exception | None = None

    def cameras(self) -> list[dict[str, Any]]:
        return self.listed

    def open(self, number: int) -> FakePicamera2:
        if self.open_error is not None:
            raise self.open_error
        if any(camera.is_open for camera in self.opened):
            busy = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from busy
        if number >= len(self.listed):
            raise RuntimeError(f"No camera number {number} found")
        self.numbers.append(number)
        self.opened.append(FakePicamera2(self.clock, self.faults, self.advertised))
        return self.opened[-1]

    def full_range_space(self) -> str:
        return "sYCC"

    def is_limited(self, camera: object) -> bool:
        return self.faults.limited
