"""What the node and the camera's worker say to each other: orders to it, notes from it.

Between processes each is one JSON datagram. Nothing is pickled: what a crashing decoder wrote is checked by type
before anybody uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from pi_cam_node.config import CameraConfig
from pi_cam_node.frame import Mode, Sensor
from pi_cam_node.sources.base import Controls, Opened, Shot

# A datagram is longer only where something is wrong.
MAX_MESSAGE_BYTES = 16_384
_MAX_REASON_CHARS = 500


@dataclass(frozen=True, slots=True)
class Open:
    """Close what is open, and open this; the session numbers the notes that follow from it."""

    session: int
    camera: CameraConfig
    controls: Controls
    kind: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Apply:
    """Expose so; a later one replaces one that is not yet begun."""

    number: int
    controls: Controls
    kind: Literal["apply"] = "apply"


@dataclass(frozen=True, slots=True)
class Free:
    """The pixels of a slot have been copied; it may be written again."""

    session: int
    slot: int
    kind: Literal["free"] = "free"


@dataclass(frozen=True, slots=True)
class Quit:
    """Close the source and end."""

    kind: Literal["quit"] = "quit"


Order = Open | Apply | Free | Quit


@dataclass(frozen=True, slots=True)
class Ready:
    """The source is open. Between processes the memory of the slots comes along as a file descriptor."""

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
class Slotted:
    """An image came; its pixels lie in a slot. ``skipped`` images of the session found no free slot so far."""

    session: int
    slot: int
    exposed_mono_s: FiniteFloat
    captured_mono_s: FiniteFloat
    mode: Mode
    sensor: Sensor
    skipped: int
    kind: Literal["slotted"] = "slotted"


@dataclass(frozen=True, slots=True)
class Applied:
    """The order of this number has been carried out."""

    number: int
    kind: Literal["applied"] = "applied"


@dataclass(frozen=True, slots=True)
class Refused:
    """The camera refused the order of this number and goes on as it was."""

    number: int
    mode: Mode
    reason: str
    kind: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Failed:
    """The source could not be opened or read, and is closed."""

    session: int
    reason: str
    kind: Literal["failed"] = "failed"


Note = Ready | Arrived | Applied | Refused | Failed
WireNote = Ready | Slotted | Applied | Refused | Failed

_ORDERS: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="kind")])
_NOTES: TypeAdapter[WireNote] = TypeAdapter(Annotated[WireNote, Field(discriminator="kind")])


def encode_order(order: Order) -> bytes:
    """Return an order as a datagram."""
    return _ORDERS.dump_json(order)


def encode_note(note: WireNote) -> bytes:
    """Return a note as a datagram."""
    return _NOTES.dump_json(note)


def decode_order(datagram: bytes) -> Order:
    """Return the order in a datagram.

    Raises:
        ValueError: It holds none.
    """
    return _ORDERS.validate_json(datagram)


def decode_note(datagram: bytes) -> WireNote:
    """Return the note in a datagram.

    Raises:
        ValueError: It holds none.
    """
    try:
        return _NOTES.validate_json(datagram)
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} faults in a message of {len(datagram)} bytes") from None


def short(reason: str) -> str:
    """Return a reason on one line and short enough for a message and a topic."""
    line = " ".join(reason.split())
    return line if len(line) <= _MAX_REASON_CHARS else line[: _MAX_REASON_CHARS - 1] + "…"
