"""Interface of a source, with its argument and result types.

A source is used by one thread, in the order open, (read | apply)…, close. `read` may block for any time; the caller
enforces deadlines.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.frozen import frozen, statically_frozen
from pi_cam_node.imaging import frame_timing
from pi_cam_node.imaging.frame import NO_FIGURES, Layout, Mode, Sensor
from pi_cam_node.imaging.packet import Packet, SoundChoice

if TYPE_CHECKING:  # the camera's process does not import pydantic, which takes 15 MiB
    from pi_cam_node.config import Config
    from pi_cam_node.imaging.jpeg import Pixels


class CameraSettings(Protocol):
    """Settings of a source: the section ``camera``, or the part sent to its process."""

    @property
    def source(self) -> str:
        """Kind of the source, and its address."""
        ...

    @property
    def width(self) -> int:
        """Requested width, in pixels."""
        ...

    @property
    def height(self) -> int:
        """Requested height, in pixels."""
        ...

    @property
    def codec(self) -> Literal["yuv420", "rgb"]:
        """Requested pixel format of a Pi camera."""
        ...

    @property
    def video_mode(self) -> Literal["stream", "still"]:
        """Configuration of a Pi camera by day."""
        ...

    @property
    def rotation(self) -> Literal[0, 90, 180, 270]:
        """Rotation of the picture, in degrees clockwise; see `Orientation`."""
        ...

    @property
    def hflip(self) -> bool:
        """Whether left and right are mirrored."""
        ...

    @property
    def vflip(self) -> bool:
        """Whether top and bottom are mirrored."""
        ...


@frozen
class Adjustments:
    """Focus, white balance and exposure compensation; a camera follows those that `Opened.settings` names.

    Attributes:
        autofocus: ``auto`` focuses once, ``manual`` takes the lens position.
        lens_position_dpt: Focus in dioptres, 0 for infinity.
        awb: White balance.
        exposure_compensation_ev: Added to the automatic exposure, in EV.
    """

    autofocus: Literal["continuous", "auto", "manual"] = "continuous"
    lens_position_dpt: float = 0.0
    awb: Literal["auto", "daylight", "indoor", "tungsten", "fluorescent", "cloudy"] = "auto"
    exposure_compensation_ev: float = 0.0


@frozen
class Controls:
    """Mode, exposure, gain, frame rate and adjustments of the camera.

    Attributes:
        mode: ``day`` asks for automatic exposure, ``night`` for the fixed one.
        framerate: Frames a second by day, in hertz.
        exposure_us: Exposure time at night, in microseconds.
        gain: Analogue gain at night.
        night_mode: Configuration at night: ``still`` or ``stream``.
        adjustments: Focus, white balance and exposure compensation.
        sound: Which sound comes with the packets; see `recording.sound`.
    """

    mode: Mode
    framerate: float
    exposure_us: int
    gain: float
    night_mode: Literal["still", "stream"]
    adjustments: Adjustments = Adjustments()
    sound: SoundChoice = "off"

    @property
    def exposure_s(self) -> float:
        """Exposure at night in seconds, 0 by day."""
        return self.exposure_us / 1e6 if self.mode == "night" else 0.0

    @property
    def interval_s(self) -> float:
        """Seconds between two frames."""
        return max(1 / self.framerate, self.exposure_s)

    @property
    def deadline_s(self) -> float:
        """Longest time without a frame before recovery begins, in seconds."""
        return frame_timing.frame_deadline_s(self.interval_s, self.exposure_s)

    @property
    def hidden_s(self) -> float:
        """Time for which a just started camera may withhold frames, in seconds."""
        return frame_timing.hidden_s(self.interval_s)


def controls_of(config: Config, mode: Mode) -> Controls:
    """Return the controls for a mode from the settings."""
    night, camera = config.night, config.camera
    adjustments = Adjustments(camera.autofocus, camera.lens_position, camera.awb, camera.exposure_compensation)
    return Controls(
        mode, camera.framerate, night.exposure_us, night.gain, night.mode, adjustments, config.recording.sound
    )


@frozen
class Opened:
    """Size, layout and other properties that a source granted.

    Attributes:
        source: Its name for logs and topics, without passwords.
        size: Width and height in pixels; may differ from the requested size.
        layout: Layout of its pixels in memory.
        controls: Whether exposure and gain can be set; if not, the mode is only a label.
        live: Whether it is a camera rather than a film.
        oriented: Whether the source itself rotates its pictures.
        settings: Keys of supported optional settings (`pi_cam_node.core.camera_settings`).
        tells_light: Whether its images have exposure and gain, for the estimate of illuminance.
    """

    source: str
    size: tuple[int, int]
    layout: Layout
    controls: bool
    live: bool = True
    oriented: bool = False
    settings: tuple[str, ...] = ()
    tells_light: bool = False


@statically_frozen
class Shot:
    """One image of a source.

    Attributes:
        pixels: uint8 in the layout that `Opened` named; valid until the next `read`.
        exposed_mono_s: Lower bound of the begin of exposure, monotonic seconds; if the exposure is unknown, one frame
            interval before the image arrived.
        captured_mono_s: End of exposure, monotonic seconds.
        mode: Actual mode of the image.
        sensor: Sensor metadata of the image.
        packets: The camera's own packets of this and earlier images, each once, if available.
    """

    pixels: Pixels
    exposed_mono_s: float
    captured_mono_s: float
    mode: Mode
    sensor: Sensor = NO_FIGURES
    packets: tuple[Packet, ...] = ()


LOGIN_ADVICE = (
    "it refuses the login; it stands before the host, as user:password@host, with # / ? % in it as %23 %2F %3F %25"
)
"""Advice about the address of a network camera. Without a scheme, as redaction would mask the example."""


class BadImage(SourceError):
    """An image is damaged or of another size; the source continues with the next."""


class Source(Protocol):
    """A camera or a stand-in for one."""

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Open the camera in the requested mode.

        Raises:
            SourceError: The camera cannot be opened; the message says what to do.
        """
        ...

    def read(self) -> Shot:
        """Wait for the next image and return it; every source paces itself.

        Raises:
            BadImage: The image is unusable; the next `read` may succeed.
            SourceError: No image came, or the camera is lost; the source must be closed and reopened.
        """
        ...

    def apply(self, controls: Controls) -> None:
        """Change mode, exposure, gain or rate. `Shot.mode` tells when images have the new mode.

        Raises:
            SourceError: The camera refused, and continues unchanged.
        """
        ...

    def close(self) -> None:
        """Release the camera. Safe to call twice, and after a failed `open`."""
        ...


def require_file(path: Path, title: str) -> None:
    """Require a regular file that may be read: opening a pipe waits for ever, and OpenCV gives no reason.

    Raises:
        SourceError: There is none; the message says what to do.
    """
    try:
        mode = path.stat().st_mode
    except PermissionError:
        raise SourceError(f"{title}: the user that the node runs as may not enter its folder") from None
    except (OSError, ValueError):
        place = "" if path.is_absolute() else f" in {Path.cwd()}; write the whole path, beginning with /"
        raise SourceError(f"{title} does not exist{place}") from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise SourceError(f"{title} is {kind}, not a film; a USB camera is written v4l2:<device>")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{title} may not be read by the user that the node runs as")
