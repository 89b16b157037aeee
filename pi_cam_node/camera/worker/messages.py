"""What the node and the camera's worker say to each other: orders to it, reports from it.

Between processes each is one JSON datagram. Nothing is pickled. What the node hears is checked by type before anybody
uses it, see `reports`; what it says is believed, so the camera's process does without pydantic, which takes 15 MiB.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot
from pi_cam_node.imaging.frame import Mode, Sensor
from pi_cam_node.imaging.polygon import Polygon

# A datagram is longer only where something is wrong.
MAX_MESSAGE_BYTES = 16_384
_MAX_REASON_CHARS = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """The settings of a camera as they cross the border; see `CameraSettings`."""

    source: str
    width: int
    height: int
    codec: Literal["yuv420", "rgb"]
    video_mode: Literal["stream", "still"]


@dataclass(frozen=True, slots=True)
class Open:
    """Close what is open, and open this; the session numbers the reports that follow from it.

    No image leaves the worker without the masks in it.
    """

    session: int
    camera: CameraSettings
    controls: Controls
    masks: tuple[Polygon, ...] = ()
    kind: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Apply:
    """Expose so; a later one replaces one that is not yet begun."""

    generation: int
    controls: Controls
    kind: Literal["apply"] = "apply"


@dataclass(frozen=True, slots=True)
class Quit:
    """Close the source and end."""

    kind: Literal["quit"] = "quit"


Order = Open | Apply | Quit


@dataclass(frozen=True, slots=True)
class Ready:
    """The source is open. Between processes the memory and the counter of the slots come along as file descriptors."""

    session: int
    opened: Opened
    kind: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True)
class Arrived:
    """An image came, its pixels included; never sent between processes."""

    session: int
    shot: Shot
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class FrameInSlot:
    """An image came; its pixels lie in a slot. ``skipped`` images of the session found no free slot so far."""

    session: int
    slot: int
    exposed_mono_s: float
    captured_mono_s: float
    mode: Mode
    sensor: Sensor
    skipped: int
    kind: Literal["slotted"] = "slotted"
    __pydantic_config__: ClassVar[Mapping[str, object]] = {"allow_inf_nan": False}


@dataclass(frozen=True, slots=True)
class Applied:
    """The order of this generation has been carried out."""

    generation: int
    kind: Literal["applied"] = "applied"


@dataclass(frozen=True, slots=True)
class Refused:
    """The camera refused the order of this generation and goes on as it was."""

    generation: int
    mode: Mode
    reason: str
    kind: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Failed:
    """The source could not be opened or read, and is closed."""

    session: int
    reason: str
    kind: Literal["failed"] = "failed"


Report = Ready | Arrived | Applied | Refused | Failed
WireReport = Ready | FrameInSlot | Applied | Refused | Failed


def encode(message: Order | WireReport) -> bytes:
    """Return an order or a report as a datagram."""
    return _JSON.encode(message).encode()


def decode_order(datagram: bytes) -> Order:
    """Return the order in a datagram.

    Raises:
        ValueError: It holds none.
    """
    try:
        values = json.loads(datagram)
        return _ORDERS[values["kind"]](values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"no order: {error!r}") from None


def _plain(thing: Any) -> dict[str, object]:
    """Return a message, or a part of one, as what JSON knows."""
    if isinstance(thing, Open):
        camera = {field.name: getattr(thing.camera, field.name) for field in fields(Wanted)}
        rest = {"controls": thing.controls, "masks": thing.masks}
        return {"kind": thing.kind, "session": thing.session, "camera": camera, **rest}
    return {name: getattr(thing, name) for name in thing.__slots__}


def _masks(polygons: Sequence[Sequence[tuple[float, float]]]) -> tuple[Polygon, ...]:
    return tuple(tuple((x, y) for x, y in polygon) for polygon in polygons)


# Made once: `json.dumps` would make one for each image.
_JSON = json.JSONEncoder(default=_plain, separators=(",", ":"))
_ORDERS: Mapping[str, Callable[[Mapping[str, Any]], Order]] = {
    "open": lambda v: Open(v["session"], Wanted(**v["camera"]), Controls(**v["controls"]), _masks(v["masks"])),
    "apply": lambda v: Apply(v["generation"], Controls(**v["controls"])),
    "quit": lambda _: Quit(),
}


def short(reason: str) -> str:
    """Return a reason on one line and short enough for a message and a topic."""
    line = " ".join(reason.split())
    return line if len(line) <= _MAX_REASON_CHARS else line[: _MAX_REASON_CHARS - 1] + "…"
