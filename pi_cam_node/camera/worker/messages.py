"""Orders to the worker that runs the source, and its reports.

Between processes each is one datagram of JSON, but for a picture's (`frame_message`), whose bytes go through shared
memory. Nothing is pickled. What the node receives is checked by type, see `process.decode_report`; what the node sends
is trusted, so the camera's process does without pydantic, which takes 15 MiB.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields
from typing import Any, Literal

from pi_cam_node.base.frozen import frozen, statically_frozen
from pi_cam_node.camera.source import Adjustments, CameraSettings, Controls, Opened
from pi_cam_node.camera.worker.frame_message import FrameInSlot
from pi_cam_node.imaging.encoders import VideoOutput
from pi_cam_node.imaging.frame import PREVIEW_WIDTH_PX, Mode, Sensor
from pi_cam_node.imaging.motion.interface import MotionReport, MotionSettings
from pi_cam_node.imaging.packet import Packet
from pi_cam_node.imaging.polygon import Polygon

# A datagram is longer only where something is wrong.
MAX_MESSAGE_BYTES = 16_384


@frozen
class Wanted:
    """Settings of a camera as they are sent between processes; see `CameraSettings`."""

    source: str
    width: int
    height: int
    codec: Literal["yuv420", "rgb"]
    video_mode: Literal["stream", "still"]
    rotation: Literal[0, 90, 180, 270] = 0
    hflip: bool = False
    vflip: bool = False


@frozen
class Output:
    """Processing of each picture; may change while the camera is open.

    Attributes:
        quality: Quality of its JPEG, 1 to 100.
        ring_size: Width and height of a second, smaller JPEG for the ring; ``None``: none.
        label, name: Template of the text in the picture, empty for none, and the name of the node in it.
        motion: Settings of motion detection; ``None``: off.
        video: Video that the board's encoder makes, where there is one; ``None``: none.
    """

    quality: int = 85
    ring_size: tuple[int, int] | None = None
    label: str = ""
    name: str = ""
    motion: MotionSettings | None = None
    video: VideoOutput | None = None


@frozen
class Open:
    """Close what is open, and open this; the session numbers the reports that follow from it.

    No picture leaves the worker without the masks in it.
    """

    session: int
    camera: CameraSettings
    controls: Controls
    masks: tuple[Polygon, ...] = ()
    output: Output = field(default_factory=Output)
    kind: Literal["open"] = "open"


@frozen
class Apply:
    """Set the controls; a later order replaces one that is not yet begun."""

    generation: int
    controls: Controls
    kind: Literal["apply"] = "apply"


@frozen
class Configure:
    """Set the processing of the pictures from the next one on."""

    output: Output
    kind: Literal["configure"] = "configure"


@frozen
class Deliver:
    """Add more to the first picture whose exposure begins at a monotonic time or later; see `Demand`."""

    after_mono_s: float
    quality: int | None
    raw: bool
    preview_bytes: int | None = None
    preview_px: int = PREVIEW_WIDTH_PX
    times: int = 1
    every_s: float = 0.0
    kind: Literal["deliver"] = "deliver"


@frozen
class Share:
    """Share the planes of each picture from the next one on, or do so no longer; a source that is opened does not."""

    planes: bool
    kind: Literal["share"] = "share"


@frozen
class Quit:
    """Close the source and end."""

    kind: Literal["quit"] = "quit"


Order = Open | Apply | Configure | Deliver | Share | Quit


@frozen
class Ready:
    """The source is open. Between processes the memory and the counter of the slots come along as file descriptors."""

    session: int
    opened: Opened
    kind: Literal["ready"] = "ready"


@frozen
class Planes:
    """Planes of the picture that the ring holds, for encoders of video: I420, full range, without padding.

    Attributes:
        size: Width and height in pixels, even.
        data: The bytes; valid until the next picture is made.
    """

    size: tuple[int, int]
    data: memoryview = field(repr=False)


@statically_frozen
class Image:
    """A finished picture: turned, masked, labelled, measured and encoded.

    Attributes:
        exposed_mono_s: See `Shot`.
        captured_mono_s: See `Shot`.
        mode: See `Shot`.
        sensor: See `Shot`.
        brightness: Mean luma of what no mask covers, 0 to 255.
        checksum: Of some of its rows before the label, where it was looked at for frozen pictures.
        flat: Those rows are all of one colour.
        quality: Quality of ``jpeg``.
        jpeg: The picture.
        ring_jpeg: The smaller one, where `Output.ring_size` asks for it.
        jpegs: JPEGs of other qualities that a `Deliver` requested, by quality.
        raw: The pixels in the layout of `Opened`, where requested.
        preview: A small JPEG, where requested.
        motion: Report of the motion detector, where it analysed the picture.
        packets: See `video_packets`: the camera's own where the pictures are neither turned, masked nor labelled, or
            those of the board's encoder.
        planes: The picture that the ring holds, where `Share` asked for it.
    """

    exposed_mono_s: float
    captured_mono_s: float
    mode: Mode
    sensor: Sensor
    brightness: float
    checksum: int | None
    flat: bool
    quality: int
    jpeg: bytes = field(repr=False)
    ring_jpeg: bytes | None = field(default=None, repr=False)
    jpegs: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    raw: bytes | None = field(default=None, repr=False)
    preview: bytes | None = field(default=None, repr=False)
    motion: MotionReport | None = None
    packets: tuple[Packet, ...] = ()
    planes: Planes | None = None


@statically_frozen
class Arrived:
    """A picture came; never sent between processes. ``skipped`` pictures of the session could not be handed over."""

    session: int
    image: Image
    skipped: int = 0


@frozen
class Applied:
    """The order of this generation has been carried out."""

    generation: int
    kind: Literal["applied"] = "applied"


@frozen
class Refused:
    """The camera refused the order of this generation and goes on as it was."""

    generation: int
    mode: Mode
    reason: str
    kind: Literal["refused"] = "refused"


@frozen
class Failed:
    """The source could not be opened or read, and is closed."""

    session: int
    reason: str
    kind: Literal["failed"] = "failed"


Report = Ready | Arrived | Applied | Refused | Failed
JsonReport = Ready | Applied | Refused | Failed
WireReport = JsonReport | FrameInSlot


def encode(message: Order | JsonReport) -> bytes:
    """Return an order or a report as a datagram."""
    return _JSON.encode(message).encode()


def decode_order(datagram: bytes) -> Order:
    """Return the order in a datagram.

    Raises:
        ValueError: The datagram holds no order.
    """
    try:
        values = json.loads(datagram)
        return _ORDERS[values["kind"]](values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"no order: {error!r}") from None


def _plain(thing: Any) -> dict[str, object]:
    """Return a message, or a part of one, as values of JSON."""
    if isinstance(thing, Open):
        camera = {each.name: getattr(thing.camera, each.name) for each in fields(Wanted)}
        rest = {"controls": thing.controls, "masks": thing.masks, "output": thing.output}
        return {"kind": thing.kind, "session": thing.session, "camera": camera, **rest}
    return {name: getattr(thing, name) for name in thing.__slots__}


def _masks(polygons: Sequence[Sequence[tuple[float, float]]]) -> tuple[Polygon, ...]:
    return tuple(tuple((x, y) for x, y in polygon) for polygon in polygons)


def _output(values: Mapping[str, Any]) -> Output:
    ring_size, motion, video = values["ring_size"], values["motion"], values["video"]
    return Output(
        values["quality"],
        tuple(ring_size) if ring_size else None,
        values["label"],
        values["name"],
        MotionSettings(**{**motion, "ignore": _masks(motion["ignore"])}) if motion else None,
        VideoOutput(**video) if video else None,
    )


def _controls(values: Mapping[str, Any]) -> Controls:
    return Controls(**{**values, "adjustments": Adjustments(**values["adjustments"])})


def _open(values: Mapping[str, Any]) -> Open:
    camera, controls = Wanted(**values["camera"]), _controls(values["controls"])
    return Open(values["session"], camera, controls, _masks(values["masks"]), _output(values["output"]))


# Made once: `json.dumps` would make one for each picture.
_JSON = json.JSONEncoder(default=_plain, separators=(",", ":"))
_ORDERS: Mapping[str, Callable[[Mapping[str, Any]], Order]] = {
    "open": _open,
    "apply": lambda v: Apply(v["generation"], _controls(v["controls"])),
    "configure": lambda v: Configure(_output(v["output"])),
    "deliver": lambda v: Deliver(**v),
    "share": lambda v: Share(v["planes"]),
    "quit": lambda _: Quit(),
}
