"""Interface of the motion detector: settings and report. Used in both processes, so numpy is not imported."""

from __future__ import annotations

from typing import Literal

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.polygon import Polygon

Gate = Literal["", "start", "own", "light", "whole"]
Failed = Literal["", "floor", "track", "mask"]

# Maximum number of reported blobs, largest first; more are noise.
BLOBS_MAX = 12


@frozen
class MotionSettings:
    """Sensitivity of the detector, and its rate of analysis.

    Attributes:
        sensitivity: 1 to 100, by day; `night_sensitivity` by night.
        min_s: Seconds for which a blob must move coherently.
        idle_fps: Analysed pictures per second without movement; `active_fps` with movement.
        ignore: Ignored areas, relative to the picture.
        settle_s: Seconds after a switch by the node during which detection is suppressed.
    """

    sensitivity: int = 50
    night_sensitivity: int = 50
    min_s: float = 0.4
    idle_fps: float = 2.0
    active_fps: float = 10.0
    ignore: tuple[Polygon, ...] = ()
    settle_s: float = 1.0


@frozen
class Blob:
    """A connected area that differs from the background.

    Attributes:
        x: Left edge of its box, relative to the width of the picture, 0 to 1; `y`, `width`, `height` likewise.
        area_share: Its area as a share of the picture, 0 to 1.
        began_mono_s: Monotonic time of the first picture of its track.
        failed: Why it is not motion: ``floor`` (too small), ``track`` (has not moved coherently for long enough),
            ``mask`` (in an ignored area); empty if it is motion.
    """

    x: float
    y: float
    width: float
    height: float
    area_share: float
    began_mono_s: float
    failed: Failed

    @property
    def foot(self) -> tuple[float, float]:
        """The middle of its lower edge, where a person stands; determines the zone."""
        return self.x + self.width / 2, self.y + self.height


@frozen
class MotionReport:
    """Result of one analysed picture.

    Attributes:
        mono_s: Monotonic time of the end of its exposure.
        gate: Reason for suppression: start, switch by the node, jump of the light, change of the whole picture; empty
            for none.
        unsettled: Whether gates were active for so long that they were lifted, as the light does not settle.
        light: Brightness relative to the reference; 1.0 for no change.
        share: Share of the pixels outside ignored areas that differ from the background, 0 to 1.
        rate_fps: Current number of analysed pictures per second.
        blobs: Changed areas, largest first, at most `BLOBS_MAX`.
    """

    mono_s: float
    gate: Gate
    unsettled: bool
    light: float
    share: float
    rate_fps: float
    blobs: tuple[Blob, ...] = ()
