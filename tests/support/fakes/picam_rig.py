"""The picamera2 source with a fake camera, for unit tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pi_cam_node.camera.source import Controls, Opened, Shot
from pi_cam_node.camera.sources.picam.source import Picamera2Source
from pi_cam_node.config import CameraConfig
from tests.support.fakes.picamera2_factory import FakeFactory

SMALL = CameraConfig(width=64, height=64, framerate=10)
DAY = Controls("day", 10.0, 2_000_000, 6.0, "still")
NIGHT = replace(DAY, mode="night")
QUICK_NIGHT = Controls("night", 10.0, 500_000, 6.0, "stream")
QUICK_DAY = replace(QUICK_NIGHT, mode="day")


class Rig:
    """A source on a fake camera."""

    def __init__(self) -> None:
        self.factory = FakeFactory()
        self.faults = self.factory.faults
        self.clock = self.factory.clock
        self.source = Picamera2Source("", self.factory, self.clock)

    def open(self, controls: Controls = DAY, camera: CameraConfig = SMALL) -> Opened:
        return self.source.open(camera, controls)

    def read(self, count: int) -> list[Shot]:
        return [self.source.read() for _ in range(count)]

    def modes(self, count: int) -> list[str]:
        return [shot.mode for shot in self.read(count)]

    def last_start(self) -> dict[str, Any]:
        return self.factory.opened[-1].controls_at_start[-1]

    def config(self) -> dict[str, Any]:
        return self.factory.opened[-1].camera_configuration()
