"""State of one node from its retained topics. Pure: topics and payloads go in."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pi_cam_node.base.strict_json import json_object
from pi_cam_node.base.web_address import is_web_address
from pi_cam_node.config.sections.node import NODE_ID_PATTERN
from pi_cam_node.console.names import as_name

# A thumbnail is at most 48 KiB before base64.
THUMBNAIL_MAX_BYTES = 64 << 10
# Any other payload but the live picture. Nodes send less than 2 KiB and a hundred values, and up to 64 KiB with a
# thumbnail. Short values are limited, too, as each of them takes some 20 times as much memory as in the payload.
BODY_MAX_BYTES, BODY_MAX_VALUES = 96 << 10, 4000
FORMER_IDS_MAX = 16
KEYS_MAX, KEY_MAX_CHARS = 400, 200
# All keys and values of the states, or of the settings, together: nodes publish 4 KiB.
VALUES_MAX_CHARS = 32 << 10


@dataclass(slots=True)
class Node:
    """State of a node, as last published.

    Attributes:
        id: Its `node.id`.
        online: Its availability; ``None`` before it is known.
        camera: Whether frames arrive; ``None`` before it is known.
        info: Its ``info``.
        states: Bare scalars by key, ``motion/<zone>`` among them.
        config: Current values of its live settings, as text.
        telemetry: Its last telemetry.
        media_last: Metadata of its last picture.
        media_event: Metadata of its last event that has a picture.
        thumbnail: JPEG thumbnail of the picture in ``media_last``.
        frame: The retained live picture, as JPEG.
        frame_ms: When ``frame`` was received, UTC epoch milliseconds.
        last_seen_ms: When it last published a live message, UTC epoch milliseconds; the broker's ``offline`` does not
            count.
        heard_s: When a live message, or its availability, last arrived, monotonic seconds.
        live_s: When a live message of the node last arrived, monotonic seconds; retained ones may be anybody's.
        has_rows: Whether events, pictures or films of it are stored.
    """

    id: str
    online: bool | None = None
    camera: bool | None = None
    info: dict[str, Any] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    telemetry: dict[str, Any] = field(default_factory=dict)
    media_last: dict[str, Any] = field(default_factory=dict)
    media_event: dict[str, Any] = field(default_factory=dict)
    thumbnail: bytes = field(default=b"", repr=False)
    frame: bytes = field(default=b"", repr=False)
    frame_ms: int = 0
    last_seen_ms: int = 0
    heard_s: float = float("-inf")
    live_s: float = float("-inf")
    has_rows: bool = False

    @property
    def name(self) -> str:
        """Name of the node for people."""
        return as_name(self.info.get("name"))[:64] or self.id

    @property
    def url(self) -> str:
        """Address of the node's HTTP server; empty if it publishes none or an invalid one."""
        url = str(self.info.get("url") or "").rstrip("/")
        return url if is_web_address(url) else ""

    @property
    def boot(self) -> str:
        """Boot id of the node's run; empty before it was published."""
        return str(self.info.get("boot") or "")

    @property
    def tls_sha256(self) -> str:
        """SHA-256 fingerprint of the node's TLS certificate, hex; empty without TLS."""
        return str(self.info.get("tls_sha256") or "")

    @property
    def is_private(self) -> bool:
        """Whether no picture of the node may be shown; true until the node has published that privacy is off."""
        return self.states.get("privacy") != "OFF"

    @property
    def has_motion(self) -> bool:
        """Whether the node reports motion now."""
        return bool(self.online) and self.states.get("motion") == "ON"

    @property
    def is_recording(self) -> bool:
        """Whether a recording is being written now."""
        return bool(self.online) and self.states.get("recording") == "ON"

    @property
    def commands(self) -> frozenset[str]:
        """Verbs of the node's commands."""
        told = self.info.get("commands")
        return frozenset(map(str, told)) if isinstance(told, list) else frozenset()

    @property
    def former_ids(self) -> frozenset[str]:
        """Former ids of the node according to its ``info``, 16 at most."""
        told = self.info.get("formerly")
        ids = [one for one in told if isinstance(one, str) and one != self.id] if isinstance(told, list) else []
        return frozenset([one for one in ids if re.fullmatch(NODE_ID_PATTERN, one)][:FORMER_IDS_MAX])

    @property
    def zones(self) -> list[str]:
        """The node's motion zones."""
        return sorted(key.removeprefix("motion/") for key in self.states if key.startswith("motion/"))

    def trouble(self) -> str:
        """Return why there is no live picture, as text for a page; empty if one is expected."""
        if self.online is None:
            return "This node has not said whether it is there."
        if not self.online:
            return "Offline."
        if "privacy" not in self.states:
            return "Waiting to hear whether privacy is on."
        if self.is_private:
            return "Privacy is on."
        if self.camera is False:
            return "No camera: no frames arrive."
        return ""

    def apply(self, rest: str, payload: bytes, now_ms: int) -> str:
        """Process a message of the node; return the part that changed, empty if none did.

        Args:
            rest: The topic below the node, e.g. ``state/motion``.
            payload: Its payload.
            now_ms: Current time, UTC epoch milliseconds.
        """
        kind, _, key = rest.partition("/")
        if kind in {"state", "config"}:
            # Brokers that turn dots into slashes deliver setting names with slashes.
            values, name = (self.states, key) if kind == "state" else (self.config, key.replace("/", "."))
            changed = kind if _put(values, name, payload) else ""
        else:
            changed = self._apply_whole(rest, payload, now_ms)
        if changed and self.online is not False:
            self.last_seen_ms = now_ms
        return changed

    def _apply_whole(self, rest: str, payload: bytes, now_ms: int) -> str:
        if rest not in _WHOLE or (rest != "frame" and not is_moderate(payload)):
            return ""
        part, field_name, read = _WHOLE[rest]
        value = read(payload)
        if getattr(self, field_name) == value:
            return ""
        setattr(self, field_name, value)
        if part == "frame":
            self.frame_ms = now_ms
        return part

    def hide(self) -> None:
        """Drop every picture of the node: privacy is on, or the node was removed."""
        self.thumbnail = self.frame = b""
        self.media_last, self.media_event = {}, {}


def _put(values: dict[str, str], key: str, payload: bytes) -> bool:
    text = payload.decode("utf-8", "replace")[:1024]
    if not text:
        return values.pop(key, None) is not None
    if values.get(key) == text or (key not in values and (len(values) >= KEYS_MAX or len(key) > KEY_MAX_CHARS)):
        return False
    others_chars = sum(len(name) + len(value) for name, value in values.items() if name != key)
    if others_chars + len(key) + len(text) > VALUES_MAX_CHARS:
        return False
    values[key] = text
    return True


def is_moderate(payload: bytes) -> bool:
    """Tell whether a payload takes a moderate amount of memory, also as the objects of its JSON."""
    return len(payload) <= BODY_MAX_BYTES and sum(map(payload.count, (b",", b"[", b"{"))) <= BODY_MAX_VALUES


def _thumbnail(payload: bytes) -> bytes:
    try:
        return base64.b64decode(payload, validate=True) if len(payload) <= 2 * THUMBNAIL_MAX_BYTES else b""
    except ValueError:
        return b""


def _is_online(payload: bytes) -> bool | None:
    return payload == b"online" if payload else None


# By topic: the part of the node that it belongs to, the attribute, and how its payload is read.
_WHOLE: Mapping[str, tuple[str, str, Callable[[bytes], Any]]] = {
    "availability": ("availability", "online", _is_online),
    "camera/availability": ("camera", "camera", _is_online),
    "info": ("info", "info", json_object),
    "telemetry": ("telemetry", "telemetry", json_object),
    "media/last": ("media", "media_last", json_object),
    "media/event": ("media", "media_event", json_object),
    "media/thumbnail": ("thumbnail", "thumbnail", _thumbnail),
    "frame": ("frame", "frame", bytes),
}
