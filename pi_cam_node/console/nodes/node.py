"""State of one node from its retained topics. Pure: topics and payloads go in."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pi_cam_node.base.strict_json import json_object
from pi_cam_node.config.sections.node import NODE_ID_PATTERN

# A thumbnail is at most 48 KiB before base64.
THUMBNAIL_MAX_BYTES = 64 << 10
# Of anything else but the live picture: a node says a few KiB.
BODY_MAX_BYTES = 256 << 10
FORMER_IDS_MAX = 16
KEYS_MAX, KEY_MAX_CHARS = 400, 200


@dataclass(slots=True)
class Node:
    """State of a node, as last published.

    Attributes:
        id: Its id.
        online: Whether it is there; ``None`` before it told.
        camera: Whether frames arrive; ``None`` before it told.
        info: Its ``info``.
        states: Bare scalars by key, ``motion/<zone>`` among them.
        config: Values in force of its live settings, as text.
        telemetry: Its last figures.
        media_last: Facts of its last picture.
        media_event: Facts of its last event that has a picture.
        thumbnail: The last picture, small, as JPEG; belongs to ``media_last``.
        frame: The retained live picture, as JPEG.
        frame_ms: When that came, UTC epoch milliseconds.
        last_seen_ms: When it last told anything new; that it is gone is told by the broker.
        heard_s: When it last said anything, or the broker whether it is there, monotonic seconds.
        live_s: When it last said anything itself, monotonic seconds: what a broker keeps, anybody may have put there.
        has_rows: Events, pictures or films of it are kept here.
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
        return str(self.info.get("name") or self.id)[:64]

    @property
    def url(self) -> str:
        """Address of the node's HTTP server; empty where the node publishes none, or something else."""
        url = str(self.info.get("url") or "").rstrip("/")
        return url if url.startswith(("http://", "https://")) else ""

    @property
    def boot(self) -> str:
        """Boot id of the node's run; empty before it was published."""
        return str(self.info.get("boot") or "")

    @property
    def tls_sha256(self) -> str:
        """The fingerprint of its certificate, hex; empty without TLS."""
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
        """Verbs of the commands that the node has."""
        told = self.info.get("commands")
        return frozenset(map(str, told)) if isinstance(told, list) else frozenset()

    @property
    def former_ids(self) -> frozenset[str]:
        """Ids that the node says it had before, 16 at most."""
        told = self.info.get("formerly")
        ids = [one for one in told if isinstance(one, str) and one != self.id] if isinstance(told, list) else []
        return frozenset([one for one in ids if re.fullmatch(NODE_ID_PATTERN, one)][:FORMER_IDS_MAX])

    @property
    def zones(self) -> list[str]:
        """The zones in which it looks for motion."""
        return sorted(key.removeprefix("motion/") for key in self.states if key.startswith("motion/"))

    def trouble(self) -> str:
        """Return why there is no live picture, for people; empty where there should be one."""
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
        """Process a topic of the node; return the part that changed, empty where none did.

        Args:
            rest: The topic below the node, e.g. ``state/motion``.
            payload: What was published.
            now_ms: UTC epoch milliseconds.
        """
        kind, _, key = rest.partition("/")
        if kind in {"state", "config"}:
            # A broker that turns dots into slashes has the values of settings with slashes.
            values, name = (self.states, key) if kind == "state" else (self.config, key.replace("/", "."))
            changed = kind if _put(values, name, payload) else ""
        else:
            changed = self._apply_whole(rest, payload, now_ms)
        if changed and self.online is not False:
            self.last_seen_ms = now_ms
        return changed

    def _apply_whole(self, rest: str, payload: bytes, now_ms: int) -> str:
        if rest not in _WHOLE or (rest != "frame" and len(payload) > BODY_MAX_BYTES):
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
        """Forget every picture of it: privacy is on, or it is gone."""
        self.thumbnail = self.frame = b""
        self.media_last, self.media_event = {}, {}


def _put(values: dict[str, str], key: str, payload: bytes) -> bool:
    text = payload.decode("utf-8", "replace")[:1024]
    if not text:
        return values.pop(key, None) is not None
    if values.get(key) == text or (key not in values and (len(values) >= KEYS_MAX or len(key) > KEY_MAX_CHARS)):
        return False
    values[key] = text
    return True


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
