"""Orders to the worker that runs the source, and its reports.

Between processes each is one JSON datagram, except for pictures (`frame_message`), whose bytes are in shared memory.
Nothing is pickled. The node validates what it receives, see `process.decode_report`; the camera's process trusts the
node, so it does not need pydantic, which takes 15 MiB.
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
from pi_cam_node.imaging.frame import Demand, Mode, Sensor
from pi_cam_node.imaging.motion.interface import MotionReport, MotionSettings
from pi_cam_node.imaging.packet import Packet
from pi_cam_node.imaging.polygon import Polygon

# Maximum length of a datagram; a longer one is an error.
MAX_MESSAGE_BYTES = 16_384


@frozen
class Wanted:
    """Camera settings as sent between processes; see `CameraSettings`."""

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
    """Processing of pictures; may change while the camera is open.

    Attributes:
        quality: JPEG quality, 1 to 100.
        ring_size: Width and height of a second, smaller JPEG for the ring; ``None``: none.
        label, name: Template of the text drawn into the picture (empty: none), and the name of the node in it.
        motion: Settings of motion detection; ``None``: off.
        video: Settings of the board's video encoder, if it has one; ``None``: off.
    """

    quality: int = 85
    ring_size: tuple[int, int] | None = None
    label: str = ""
    name: str = ""
    motion: MotionSettings | None = None
    video: VideoOutput | None = None


@frozen
class Open:
    """Close the open source, and open this one; resulting reports have this session number.

    All pictures that leave the worker are masked.
    """

    session: int
    camera: CameraSettings
    controls: Controls
    masks: tuple[Polygon, ...] = ()
    output: Output = field(default_factory=Output)
    kind: Literal["open"] = "open"


@frozen
class Apply:
    """Set the controls; a later order replaces a pending one."""

    generation: int
    controls: Controls
    kind: Literal["apply"] = "apply"


@frozen
class Configure:
    """Change the processing, from the next picture on."""

    output: Output
    kind: Literal["configure"] = "configure"


@frozen
class Deliver:
    """Add data to the first picture whose exposure begins at or after a monotonic time."""

    after_mono_s: float
    demand: Demand
    kind: Literal["deliver"] = "deliver"


@frozen
class Share:
    """Start or stop sharing the planes of pictures, from the next one on; off when a source is opened."""

    planes: bool
    kind: Literal["share"] = "share"


@frozen
class Quit:
    """Close the source and exit."""

    kind: Literal["quit"] = "quit"


Order = Open | Apply | Configure | Deliver | Share | Quit


@frozen
class Ready:
    """The source is open. Between processes, memory and counter of the slots are passed as file descriptors."""

    session: int
    opened: Opened
    kind: Literal["ready"] = "ready"


@frozen
class Planes:
    """Planes of the ring's picture, for video encoders: I420, full range, without padding.

    Attributes:
        size: Width and height in pixels, even.
        data: The bytes; valid until the next picture is processed.
    """

    size: tuple[int, int]
    data: memoryview = field(repr=False)


@statically_frozen
class Image:
    """A finished picture: rotated, masked, labelled, measured and encoded.

    Attributes:
        exposed_mono_s: See `Shot`.
        captured_mono_s: See `Shot`.
        mode: See `Shot`.
        sensor: See `Shot`.
        brightness: Mean luma of the unmasked area, 0 to 255.
        checksum: Checksum of some rows before labelling, for detecting frozen pictures; ``None`` if not computed.
        flat: Whether those rows have a single colour.
        quality: Quality of ``jpeg``.
        jpeg: The picture.
        ring_jpeg: The smaller one for `Output.ring_size`, if set.
        jpegs: JPEGs of other qualities requested by `Deliver`, by quality.
        raw: The pixels in the layout of `Opened`, if requested.
        preview: A small JPEG, if requested.
        motion: Report of the motion detector, if it analysed the picture.
        packets: See `video_packets`: the camera's own if pictures are neither rotated, masked nor labelled, else those
            of the board's encoder.
        planes: Planes of the ring's picture, if requested by `Share`.
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
    """A picture; never sent between processes. ``skipped`` pictures of the session could not be transferred."""

    session: int
    image: Image
    skipped: int = 0


@frozen
class Applied:
    """The order of this generation was executed."""

    generation: int
    kind: Literal["applied"] = "applied"


@frozen
class Refused:
    """The camera refused the order of this generation and continues as before."""

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
    """Encode an order or a report as a datagram."""
    return _JSON.encode(message).encode()


def decode_order(datagram: bytes) -> Order:
    """Decode an order.

    Raises:
        ValueError: The datagram is not an order.
    """
    try:
        values = json.loads(datagram)
        return _ORDERS[values["kind"]](values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"no order: {error!r}") from None


def _plain(thing: Any) -> dict[str, object]:
    """Convert a message, or a part of one, to JSON values."""
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


# Created once, as `json.dumps` would create an encoder for each message.
_JSON = json.JSONEncoder(default=_plain, separators=(",", ":"))
_ORDERS: Mapping[str, Callable[[Mapping[str, Any]], Order]] = {
    "open": _open,
    "apply": lambda v: Apply(v["generation"], _controls(v["controls"])),
    "configure": lambda v: Configure(_output(v["output"])),
    "deliver": lambda v: Deliver(v["after_mono_s"], Demand(**v["demand"])),
    "share": lambda v: Share(v["planes"]),
    "quit": lambda _: Quit(),
}
