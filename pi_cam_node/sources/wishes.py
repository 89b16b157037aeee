"""What the node wishes the camera to be."""

from __future__ import annotations

from dataclasses import dataclass

from pi_cam_node.config import CameraConfig
from pi_cam_node.sources.base import Controls

# Settings that need no opening again: the rate is one of the controls, the others are not the source's.
_SOFT = {"framerate", "capture_timeout_s", "frozen_after_s", "isolate"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the camera shall be; a new ``number`` means that the controls are asked for anew, even the same ones."""

    camera: CameraConfig
    controls: Controls
    number: int = 0

    @property
    def opening(self) -> dict[str, object]:
        """The settings that a camera is opened with; where one differs it is opened again."""
        return self.camera.model_dump(exclude=_SOFT)
