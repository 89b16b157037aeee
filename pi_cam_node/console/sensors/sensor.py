"""Description of a sensor (how to read its messages) and its last state."""

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
# Generic names of a sensor, which add nothing to the name of its device.
_PLAIN_NAMES = frozenset({"contact", "opening", "door", "window", "state"})


@frozen
class SensorSpec:
    """Description of a sensor, and how to read its messages.

    Attributes:
        key: Its unique key, used in rules.
        source: ``discovery``, ``zigbee2mqtt`` or ``hand``.
        name: Name given by its announcement.
        device: Name of its device.
        kind: Home Assistant's device class, or ``event`` for buttons; empty for none.
        topic: Topic of its state.
        template: How its payload is read; ``None`` if its template is not supported.
        on: Payload for on or open.
        off: Payload for off or closed.
        room: Room given by its announcement.
        availability: Its availability topics, each with the key of the value in a JSON payload.
        raw_template: Its original template, if not supported.
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
        """Display texts for the two states: on, off."""
        return ("open", "closed") if self.kind in OPENINGS else ("on", "off")


@dataclass(slots=True)
class Sensor:
    """A sensor and its last state.

    Attributes:
        spec: Its description.
        value: Whether it is on or open; ``None`` if unknown.
        raw: Its last payload, shortened.
        changed_ms: When the value last changed, UTC epoch milliseconds; 0 before the first change.
        seen_ms: When it last published, UTC epoch milliseconds.
        battery: Charge in per cent; ``None`` if unknown.
        gone: Availability topics whose last message says offline.
        name: User-defined name; empty for the announced one.
        room: User-defined room.
        cameras: Ids of nodes that see it.
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
        """Display name of the sensor."""
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
        """Parse a payload; return the state in it, ``None`` if it has none."""
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
    """Tell whether a text is a valid topic: no wildcards, bounded length."""
    return 0 < len(text) <= TOPIC_MAX and re.search(r"[+#\0]", text) is None


def slug(text: str) -> str:
    """Return a text as a key: ``front_door``.

    A hash stands for letters of other scripts, so that two names in Cyrillic get different keys.
    """
    key = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")[:KEY_MAX]
    if not any(letter.isalnum() and unicodedata.normalize("NFKD", letter)[0] > "\x7f" for letter in text):
        return key
    return f"{key[: KEY_MAX - 9]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}".strip("_")
