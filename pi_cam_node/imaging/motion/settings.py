"""Settings of the motion detector. Without numpy: the node sends them to the camera's process."""

from __future__ import annotations

from dataclasses import dataclass

from pi_cam_node.imaging.polygon import Polygon


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """Sensitivity of the detector, and its rate of analysis.

    Attributes:
        sensitivity: 1 to 100, by day; `night_sensitivity` by night.
        min_s: Seconds for which a blob must move on coherently.
        idle_fps: Pictures a second that are analysed while nothing moves; `active_fps` once something did.
        ignore: Areas in which nothing counts, relative to the picture.
        settle_s: Seconds after a switch by the node in which nothing counts.
    """

    sensitivity: int = 50
    night_sensitivity: int = 50
    min_s: float = 0.4
    idle_fps: float = 2.0
    active_fps: float = 10.0
    ignore: tuple[Polygon, ...] = ()
    settle_s: float = 1.0
