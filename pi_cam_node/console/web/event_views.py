"""View models of events, with texts for pages."""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.base.clock import iso, utc_of_ms
from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.store.devices import Delivery
from pi_cam_node.console.store.events import EventRow, ms_of
from pi_cam_node.console.web.rendering import words

TITLES = {
    "motion": "Motion",
    "trigger": "Triggered",
    "record": "Recording",
    "picture": "Picture taken",
    "interval": "Picture of the interval",
    "rule": "Rule",
    "mode": "Day and night",
    "camera_lost": "Camera lost",
    "camera_back": "Camera is back",
    "settings": "Settings rolled back",
    "refused": "Command refused",
}
# The node releases its camera on purpose then.
PRIVACY_BEGAN = "Privacy switched on"
# Texts for causes; any other cause is a sentence of the node, or a sensor's name.
CAUSES = {
    "start": "The camera had just started.",
    "light": "The light had changed.",
    "privacy": "It was asked for.",
    "override": "It was asked for.",
    "disabled": "Night mode is turned off.",
    "camera": "The camera switched by itself.",
    "command": "It was asked for.",
    "interval": "A picture is taken every so often.",
    "event": "Something happened.",
    "motion": "Something moved.",
    "trigger": "A sensor asked for it.",
    "record": "It was asked for.",
    "continuous": "Everything is recorded.",
}
# Kinds with a duration.
LASTING = frozenset({"motion", "trigger", "record"})
# How long the picture of a running event is expected.
PICTURE_COMES_MS = 60_000
DELIVERY_STATES = {
    "waiting": "is waiting to be sent to",
    "sent": "sent to",
    "failed": "could not be sent to",
    "expired": "came too late for",
    "paused": "not sent while pushes were off to",
    "quiet": "not sent in the quiet hours of",
    "flood": "not sent, too many for",
}


@frozen
class EventView:
    """View model of an event.

    Attributes:
        row: Its database row.
        title: Title.
        camera: Name of the camera; empty for none.
        picture: Path of its picture; empty if there is none, or it must not be shown.
        small: Path of the thumbnail.
        film: Path of its film; empty for none.
        why_no_picture: Text shown in place of a picture.
        detail: Second line.
        ended_ms: End, UTC epoch milliseconds; ``None`` if it still runs or has no duration.
    """

    row: EventRow
    title: str
    camera: str
    picture: str
    small: str
    film: str
    why_no_picture: str
    detail: str
    ended_ms: int | None

    def facts(self) -> dict[str, object]:
        """Return the event for the API: the console's fields and the node's."""
        row = self.row
        zones = row.data.get("zones")
        told: dict[str, object] = {
            "number": row.rowid,
            "node": row.node,
            "id": row.id,
            "at": iso(utc_of_ms(row.at_ms)),
            "at_ms": row.at_ms,
            "kind": row.kind,
            "title": words(self.title),
            "detail": self.detail,
            "camera": row.camera,
            "camera_name": self.camera,
            "sensor": row.sensor,
            "rule": row.rule,
            "media": row.media,
            "url": self.picture or self.film or None,
            "thumbnail_url": self.small or None,
            "film_url": self.film or None,
            "zones": [str(zone) for zone in zones] if isinstance(zones, list) else [],
            "cause": str(row.data.get("cause") or ""),
            "pre_roll_s": _seconds(row.data.get("pre_roll_s")),
            "picture_id": row.media,
            "recording_id": self.film.rpartition("/")[2] or None,
            "why": words(self.why_no_picture),
            "data": row.data,
        }
        if row.kind in LASTING:
            told["ended_at"] = iso(utc_of_ms(self.ended_ms)) if self.ended_ms else None
        return told


def views(rows: Sequence[EventRow], context: ConsoleContext) -> list[EventView]:
    """Return view models of events; without pictures for nodes in privacy."""
    return [view(row, context) for row in rows]


def view(row: EventRow, context: ConsoleContext) -> EventView:
    """Return the view model of an event."""
    node = context.nodes.get(row.camera) if row.camera else None
    title = TITLES.get(row.kind, row.kind)
    if row.kind == "rule":
        title = row.rule or title
    elif row.kind == "camera_lost" and row.data.get("cause") == "privacy":
        title = PRIVACY_BEGAN
    why = ""
    if node is None and row.camera:
        why = "This camera is not on the broker now."
    elif node is not None and node.is_private:
        why = "Privacy is on."
    path = f"/media/{row.camera}/{row.media}" if row.media and not why else ""
    recording = row.data.get("recording_id") or _film_of(row)
    film = f"/media/{row.camera}/{recording}" if recording and not why else ""
    return EventView(
        row=row,
        title=title,
        camera=node.name if node is not None else row.camera or "",
        picture=path,
        small=f"{path}/thumbnail" if path else "",
        film=film,
        why_no_picture=why or _why_no_picture(row, context.now_ms()),
        detail=_detail(row),
        ended_ms=_ended(row),
    )


def _why_no_picture(row: EventRow, now_ms: int) -> str:
    if row.media:
        return ""
    is_under_way = row.kind in LASTING and _ended(row) is None and now_ms - row.at_ms < PICTURE_COMES_MS
    return "Its picture is not there yet." if is_under_way else "There is no picture of it."


def delivery_words(delivery: Delivery, label: str, account: str) -> tuple[str, str]:
    """Return the result of a push as texts: its state, and its recipient with the reason."""
    tried = f" ({delivery.tries} tries)" if delivery.state == "waiting" and delivery.tries else ""
    why = f": {delivery.why}" if delivery.why and delivery.state != "sent" else ""
    return DELIVERY_STATES.get(delivery.state, delivery.state), f"{label} ({account}){tried}{why}"


def _film_of(row: EventRow) -> str:
    media = row.data.get("media")
    if row.kind not in LASTING | {"rule"} or not isinstance(media, dict):
        return ""
    return str(media.get("id") or "") if media.get("kind") in {"recording", "clip"} else ""


def _detail(row: EventRow) -> str:
    parts = []
    if row.kind == "rule" and row.data.get("title"):
        parts.append(f"{row.data['title']}: {row.data.get('became', '')}")
    elif row.rule:
        parts.append(row.rule)
    if row.kind in {"camera_lost", "settings", "mode"} and row.data.get("cause"):
        parts.append(cause_of(row))
    return " · ".join(parts)


def cause_of(row: EventRow) -> str:
    """Return the cause of an event as text; empty if unknown."""
    cause = str(row.data.get("cause") or "")[:120]
    is_name = row.kind == "trigger" and cause != "trigger"  # a sensor may have a name such as "light"
    return cause if is_name else CAUSES.get(cause, cause)


def _seconds(told: object) -> float:
    return float(told) if isinstance(told, int | float) else 0.0


def _ended(row: EventRow) -> int | None:
    return ms_of(row.data.get("ended_at") or row.data.get("motion_ended"), 0) or None
