"""Interface of a source, and the values that it takes and returns.

A source is used by one thread, in the order open, (read | apply)…, close. It may block in `read` for
as long as its camera takes; the caller keeps the deadline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.frozen import frozen, statically_frozen
from pi_cam_node.imaging import frame_timing
from pi_cam_node.imaging.frame import NO_FIGURES, Layout, Mode, Sensor
from pi_cam_node.imaging.packet import Packet, SoundChoice

if TYPE_CHECKING:  # the camera's process has no use for pydantic, which takes 15 MiB
    from pi_cam_node.config import Config
    from pi_cam_node.imaging.jpeg import Pixels


class CameraSettings(Protocol):
    """Settings that a source may read: the section ``camera``, or the part of it that its process was sent."""

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
        """Pixels asked of a Pi camera."""
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
        """Time for which a camera that has just been started may hide its frames, in seconds."""
        return frame_timing.hidden_s(self.interval_s)


def controls_of(config: Config, mode: Mode) -> Controls:
    """Return the controls of the camera in a mode, by the settings."""
    night, camera = config.night, config.camera
    adjustments = Adjustments(camera.autofocus, camera.lens_position, camera.awb, camera.exposure_compensation)
    return Controls(
        mode, camera.framerate, night.exposure_us, night.gain, night.mode, adjustments, config.recording.sound
    )


@frozen
class Opened:
    """Size, layout and other properties that a source granted.

    Attributes:
        source: Its name for logs and topics; never a password.
        size: Width and height in pixels; may differ from what was asked.
        layout: Layout of its pixels in memory.
        controls: Whether exposure and gain follow `Controls`; where not, the mode is only a label.
        live: A camera, as opposed to a film.
        oriented: The source turns its pictures itself.
        settings: Keys of the settings that it follows, of those that not every camera does
            (`pi_cam_node.core.camera_settings`).
        tells_light: Its images tell their exposure and gain, from which the illuminance is estimated.
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
    """One image as a source hands it over.

    Attributes:
        pixels: uint8 in the layout that `Opened` named; the source will not write to it before the next `read`.
        exposed_mono_s: Monotonic time before which the exposure did not begin. Where the camera does not tell
            its exposure: one frame interval before the image came.
        captured_mono_s: Monotonic time at which the exposure had ended.
        mode: The mode that the image was really taken in.
        sensor: Sensor metadata of the image.
        packets: The camera's own packets of this and of earlier images, each once, where the source has them.
    """

    pixels: Pixels
    exposed_mono_s: float
    captured_mono_s: float
    mode: Mode
    sensor: Sensor = NO_FIGURES
    packets: tuple[Packet, ...] = ()


class BadImage(SourceError):
    """One image cannot be used: it is broken, or of another size. The source goes on with the next."""


class Source(Protocol):
    """A camera or a stand-in for one."""

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Open the camera in the requested mode.

        Raises:
            SourceError: The camera cannot be opened; the message says what to do.
        """
        ...

    def read(self) -> Shot:
        """Return the next image once it is there; every source paces itself.

        Raises:
            BadImage: An image came and is no use; the next `read` may return one.
            SourceError: No image came, or the camera is gone. The source must be closed and opened again.
        """
        ...

    def apply(self, controls: Controls) -> None:
        """Change mode, exposure, gain or rate. Images of the new mode say so in `Shot.mode`.

        Raises:
            SourceError: The camera refused; it goes on as it was.
        """
        ...

    def close(self) -> None:
        """Release the camera. Safe to call twice, and after a failed `open`."""
        ...
