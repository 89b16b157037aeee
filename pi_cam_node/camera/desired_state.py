"""Desired state of the camera."""

from __future__ import annotations

from dataclasses import field

from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.source import Controls
from pi_cam_node.camera.worker.messages import Open, Output
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging.polygon import Polygon

# Number of the first session, which may begin before the node is up.
FIRST_SESSION = 1
# Settings that need no reopening: controls, and settings that do not concern the source.
_CONTROLS = {"framerate", "autofocus", "lens_position", "awb", "exposure_compensation"}
_SOFT = {*_CONTROLS, "capture_timeout_s", "frozen_after_s", "isolate"}


@frozen
class DesiredState:
    """Desired settings, controls and output of the camera.

    Attributes:
        camera: Settings for opening the camera.
        controls: Mode, exposure, gain and rate.
        generation: Number of the request; a new one applies the controls again, even if unchanged.
        released: Whether the camera must stay closed, because of privacy.
        output: Processing of each picture.
        masks: Polygons to blacken; they change only together with the orientation.
    """

    camera: CameraConfig
    controls: Controls
    generation: int = 0
    released: bool = False
    masks: tuple[Polygon, ...] = ()
    output: Output = field(default_factory=Output)

    def open_order(self, session: int, controls: Controls | None = None) -> Open:
        """Return the order to open the camera, with other controls if given."""
        return Open(session, self.camera, controls or self.controls, self.masks, self.output)

    @property
    def opening(self) -> dict[str, object]:
        """The settings whose change needs a reopening."""
        return self.camera.model_dump(exclude=_SOFT)
