"""A running `Camera`, with the frames and inputs that it puts into the inbox."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.camera.camera import Camera
from pi_cam_node.camera.worker.spawn import Spawned
from pi_cam_node.config import Config
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CameraFailed, Input
from pi_cam_node.imaging.frame import Frame

PATIENCE_S = 40.0
Kind = TypeVar("Kind")


def config_of(source: str, **camera: Any) -> Config:
    """Return settings for a small camera."""
    tree = {"source": source, "width": 320, "height": 240, "framerate": 20.0, **camera}
    return Config.model_validate({"node": {"id": "porch"}, "camera": tree})


class RunningCamera:
    """A camera that runs within a ``with``; its inputs are kept."""

    def __init__(self, config: Config, spawned: Spawned | None = None) -> None:
        self.inbox = Inbox()
        self.camera = Camera(config, self.inbox, SystemClock(), spawned)
        self.frames: list[Frame] = []
        self.told: list[Input] = []

    def __enter__(self) -> Self:
        self.camera.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.camera.stop()

    @property
    def process(self) -> psutil.Process:
        pid = self.camera.pid
        assert pid is not None, "there is no camera process"
        return psutil.Process(pid)

    @property
    def failures(self) -> list[CameraFailed]:
        return [each for each in self.told if isinstance(each, CameraFailed)]

    def until(self, reached: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> None:
        """Take frames and inputs until a condition holds."""
        deadline = time.monotonic() + patience_s
        while not reached():
            assert time.monotonic() < deadline, f"{what}: not within {patience_s:g} s; told: {self.told}"
            taken = self.inbox.take(0.05)
            if isinstance(taken, Frame):
                self.frames.append(taken)
            elif taken is not None:
                self.told.append(taken)

    def take_frames(self, count: int) -> list[Frame]:
        """Return the next ``count`` frames."""
        wanted = len(self.frames) + count
        self.until(lambda: len(self.frames) >= wanted, f"{count} frames")
        return self.frames[-count:]

    def wait_for(self, kind: type[Kind], patience_s: float = PATIENCE_S) -> Kind:
        """Return the next input of a type."""
        seen = len(self.told)
        self.until(lambda: any(isinstance(each, kind) for each in self.told[seen:]), kind.__name__, patience_s)
        return next(each for each in self.told[seen:] if isinstance(each, kind))
