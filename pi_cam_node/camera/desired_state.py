"""Desired state of the camera."""

from __future__ import annotations

from dataclasses import field

from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.source import Controls
from pi_cam_node.camera.worker.messages import Open, Output
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging.polygon import Polygon

# Number of the first session, which may have begun before the node was up.
FIRST_SESSION = 1
# Settings that need no opening again: some are controls, the others are not the source's.
_CONTROLS = {"framerate", "autofocus", "lens_position", "awb", "exposure_compensation"}
_SOFT = {*_CONTROLS, "capture_timeout_s", "frozen_after_s", "isolate"}


@frozen
class DesiredState:
    """Settings, controls and output that the camera shall have.

    Attributes:
        camera: Settings that the camera is opened with.
        controls: Mode, exposure, gain and rate.
        generation: Number of the request for these controls; a new one asks anew, even for the same ones.
        released: The camera is closed and not opened: privacy is on.
        output: Processing of each picture.
        masks: Polygons blackened in its images; they change with its orientation alone.
    """

    camera: CameraConfig
    controls: Controls
    generation: int = 0
    released: bool = False
    masks: tuple[Polygon, ...] = ()
    output: Output = field(default_factory=Output)

    def open_order(self, session: int, controls: Controls | None = None) -> Open:
        """Return the order to open the camera so, with other controls where they are given."""
        return Open(session, self.camera, controls or self.controls, self.masks, self.output)

    @property
    def opening(self) -> dict[str, object]:
        """The settings that a camera is opened with; where one differs it is opened again."""
        return self.camera.model_dump(exclude=_SOFT)
