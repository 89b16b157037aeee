"""Camera configuration as a plan, and the smallest change from one plan to another."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.source import CameraSettings, Controls

Kind = Literal["video", "still"]
Step = Literal["nothing", "live", "restart", "configure"]

# Exposure from which a restart takes less time than the frames in flight.
LONG_EXPOSURE_S = 1.0


@frozen
class Plan:
    """Configuration and controls that set up a closed camera.

    Attributes:
        kind: Kind of picamera2's configuration.
        pixel_format: libcamera's name of the requested format.
        size: Requested width and height in pixels.
        controls: Mode, exposure, gain and rate.
    """

    kind: Kind
    pixel_format: Literal["YUV420", "RGB888"]
    size: tuple[int, int]
    controls: Controls

    @property
    def buffers(self) -> int:
        """Number of buffers; the source and picamera2 hold one each, and boards with 512 MB have no memory for more."""
        return 4 if self.kind == "video" else 3

    @property
    def silence_s(self) -> float:
        """Longest time in seconds without a frame before a running camera counts as failed.

        libcamera itself gives up after five frames, or a second.
        """
        return max(3.0, 6 / self.controls.framerate, 2 * self.controls.exposure_s + 1)

    @property
    def first_silence_s(self) -> float:
        """The same for the first frame after a start, as a sensor drops several frames until it has settled."""
        return self.silence_s + 8 * self.controls.interval_s


def plan_of(camera: CameraSettings, controls: Controls) -> Plan:
    """Return the plan for settings and mode."""
    by_day: Kind = "video" if camera.video_mode == "stream" else "still"
    at_night: Kind = "still" if controls.night_mode == "still" else by_day
    return Plan(
        kind=by_day if controls.mode == "day" else at_night,
        pixel_format="YUV420" if camera.codec == "yuv420" else "RGB888",
        size=(camera.width, camera.height),
        controls=controls,
    )


def step_between(old: Plan, new: Plan, *, tells_exposure: bool) -> Step:
    """Return the smallest change from one plan to the other.

    A live change of the exposure takes effect some frames later, so it needs a camera that reports its exposure.
    """
    if (old.kind, old.pixel_format, old.size) != (new.kind, new.pixel_format, new.size):
        return "configure"
    if old.controls == new.controls:
        return "nothing"
    if replace(old.controls, adjustments=new.controls.adjustments) == new.controls:
        return "live"  # frames before and after it are of one mode
    longest_s = max(old.controls.exposure_s, new.controls.exposure_s)
    return "live" if tells_exposure and longest_s < LONG_EXPOSURE_S else "restart"
