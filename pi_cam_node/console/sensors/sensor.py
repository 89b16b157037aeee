"""One sensor: how to read its messages, and its last state."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import json_object
from pi_cam_node.console.sensors.templates import Template

OPENINGS = frozenset({"door", "garage_door", "opening", "window", "lock"})
RAW_MAX = 200
KEY_MAX, TOPIC_MAX, VALUE_MAX = 128, 512, 256
# Generic names of a device's only sensor, which say no more than the name of the device.
_PLAIN_NAMES = frozenset({"contact", "opening", "door", "window", "state"})


@frozen
class SensorSpec:
    """Description of a sensor and of how to read its messages.

    Attributes:
        key: Its name in rules.
        source: ``discovery``, ``zigbee2mqtt`` or ``hand``.
        name: As it calls itself.
        device: Name of the device that it is part of.
        kind: Home Assistant's device class, or ``event`` for buttons; empty for none.
        topic: Topic of its state.
        template: How its payload is read; ``None``: its template has a shape that is not read.
        on: What means on or open.
        off: What means off or closed.
        room: Where it is.
        availability: Topics that say whether it is there, with the key of the JSON object in the payload.
        raw_template: Its template as it was told, where it is not read.
    """

    key: str
    source: str
    name: str
    device: str
    kind: str
    topic: str
    template: Template | None
    on: str = "ON"
    off: str = "OFF"
    room: str = ""
    availability: tuple[tuple[str, Template], ...] = ()
    raw_template: str = ""

    @property
    def is_event(self) -> bool:
        """Whether the sensor has no state, as a button."""
        return self.kind == "event"

    @property
    def words(self) -> tuple[str, str]:
        """Words for the two states of the sensor: on first."""
        return ("open", "closed") if self.kind in OPENINGS else ("on", "off")


@dataclass(slots=True)
class Sensor:
    """A sensor and its last state.

    Attributes:
        spec: How it is read.
        value: Whether it is on or open; ``None`` before it told.
        raw: What it last published, shortened.
        changed_ms: When the value changed, UTC epoch milliseconds; 0 before it did.
        seen_ms: When it last published anything.
        battery: Per cent; ``None`` where it does not tell.
        gone: Topics of its availability that say that it is not there.
        name: What people call it; empty: as it calls itself.
        room: Where people say that it is.
        cameras: Nodes that see it.
    """

    spec: SensorSpec
    value: bool | None = None
    raw: str = ""
    changed_ms: int = 0
    seen_ms: int = 0
    battery: int | None = None
    gone: set[str] = field(default_factory=set)
    name: str = ""
    room: str = ""
    cameras: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name of the sensor for people."""
        spec = self.spec
        if self.name:
            return self.name
        says_nothing = spec.name.lower() in {"", spec.device.lower(), *_PLAIN_NAMES}
        return spec.device if spec.device and says_nothing else f"{spec.device} {spec.name}".strip()

    @property
    def state(self) -> str:
        """``open``, ``closed``, ``on``, ``off``, ``unavailable``, ``unknown`` or, of a button, ``event``."""
        if self.gone:
            return "unavailable"
        if self.value is None:
            return "unknown"
        return self.spec.words[0 if self.value else 1]

    def read(self, payload: bytes, now_ms: int) -> bool | None:
        """Read a payload; return the state in it, ``None`` where it has none."""
        self.seen_ms = now_ms
        self.raw = payload[:RAW_MAX].decode("utf-8", "replace")
        self._read_battery(payload)
        spec = self.spec
        if spec.template is None:
            return None
        said = spec.template.value(payload)
        if spec.is_event:
            return True if said else None
        return True if said == spec.on else False if said == spec.off else None

    def _read_battery(self, payload: bytes) -> None:
        if b'"battery"' not in payload:
            return
        told = json_object(payload).get("battery")
        if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told <= 100:
            self.battery = round(told)


def is_topic(text: str) -> bool:
    """Tell whether a text is the topic of one sensor: no pattern, and not endless."""
    return 0 < len(text) <= TOPIC_MAX and re.search(r"[+#\0]", text) is None


def slug(text: str) -> str:
    """Return a text as a key: ``front_door``.

    Letters of other scripts end in a hash: without them every door with a name in Cyrillic would be the same one.
    """
    key = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")[:KEY_MAX]
    if not any(letter.isalnum() and unicodedata.normalize("NFKD", letter)[0] > "\x7f" for letter in text):
        return key
    return f"{key[: KEY_MAX - 9]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}".strip("_")
