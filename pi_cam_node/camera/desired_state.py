"""What the node wishes the camera to be."""

from __future__ import annotations

from dataclasses import dataclass

from pi_cam_node.camera.source import Controls
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging.polygon import Polygon

# Settings that need no opening again: the rate is one of the controls, the others are not the source's.
_SOFT = {"framerate", "capture_timeout_s", "frozen_after_s", "isolate"}


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What the camera shall be.

    Attributes:
        camera: What it is opened with.
        controls: How it exposes.
        number: A new one means that the controls are asked for anew, even the same ones.
        held: It is let go of, and not opened: privacy is on.
        masks: What is blackened in its images, for as long as the node runs.
    """

    camera: CameraConfig
    controls: Controls
    number: int = 0
    held: bool = False
    masks: tuple[Polygon, ...] = ()

    @property
    def opening(self) -> dict[str, object]:
        """The settings that a camera is opened with; where one differs it is opened again."""
        return self.camera.model_dump(exclude=_SOFT)
