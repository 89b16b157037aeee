"""Converts events of the scene and of recordings to MQTT messages. Pure, so that tests compare by equality."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pi_cam_node.base.clock import epoch_ms, iso
from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.core import activity_events as a
from pi_cam_node.core.events import Event
from pi_cam_node.core.history import EventRow
from pi_cam_node.mqtt.messages.message import JPEG, JSON, Message, text
from pi_cam_node.mqtt.messages.topics import Topics

# A node that crashes leaves no ON behind: with MQTT 5 the broker drops it after this time, unless it is renewed.
ON_EXPIRES_S = 120


def activity_messages(topics: Topics, event: Event) -> list[Message]:
    """Return the messages of an event of the scene or of a recording; empty for any other event."""
    match event:
        case a.MotionChanged(zone=zone, on=on):
            return [motion_state(topics, zone, on=on)]
        case a.RecordingChanged(on=on):
            return [Message(topics.state("recording"), text("ON" if on else "OFF"), retain=True)]
        case a.SceneEventBegan(event=scene) if scene.kind != "record":
            kind = "motion_started" if scene.kind == "motion" else "triggered"
            return [_message(topics, kind, scene.id, scene.at, _of(scene))]
        case a.SceneEventEnded(event=scene) if scene.kind == "motion":
            return [_message(topics, "motion_ended", scene.id, scene.ended_at or scene.at, _of(scene))]
        case a.EventPictured(event=scene):
            facts = {"id": scene.id, **_of(scene), "url": event.url}
            return [
                Message(topics.media_event, json_bytes(facts), retain=True, content_type=JSON),
                Message(topics.media_event_image, event.image or b"", retain=True, content_type=JPEG),
            ]
        case _:
            return _recording(topics, event)


def motion_state(topics: Topics, zone: str, *, on: bool | None) -> Message:
    """Return the state of motion, of a zone or (with an empty name) of all; ``None`` empties the zone's topic."""
    key = f"motion/{zone}" if zone else "motion"
    payload = b"" if on is None else text("ON" if on else "OFF")
    return Message(topics.state(key), payload, retain=True, expires_s=ON_EXPIRES_S if on else 0)


def _recording(topics: Topics, event: Event) -> list[Message]:
    match event:
        case a.RecordingStarted(film=opened, event=scene):
            facts = {**_of(scene), "cause": opened.cause, "pre_roll_s": round(opened.pre_roll_s, 2)}
            body = {**facts, "media": {"id": opened.film_id, "kind": "recording"}}
            return [_message(topics, "recording_started", opened.event_id or opened.film_id, opened.at, body)]
        case a.RecordingSaved(film=film, event=scene):
            facts = {**_of(scene), "cause": film.cause, **film.facts()}
            return [_message(topics, "recording_saved", film.event_id or film.id, film.last_at, facts)]
        case a.RecordingFailed(failure=failure, event=scene, at=at):
            facts = {**_of(scene), "cause": failure.cause, "code": failure.code, "reason": failure.reason}
            return [_message(topics, "recording_failed", failure.event_id or failure.film_id, at, facts)]
        case _:
            return []


def _of(scene: EventRow | None) -> Mapping[str, object]:
    if scene is None:
        return {"zones": [], "picture_id": None}
    facts = scene.facts()
    return {"began_at": facts.pop("at"), **{key: value for key, value in facts.items() if key != "id"}}


def _message(topics: Topics, kind: str, event_id: str, at: datetime, facts: Mapping[str, object]) -> Message:
    return event_message(topics, kind, at, {**facts, "began_at": facts.get("began_at", iso(at))}, event_id)


def event_message(topics: Topics, kind: str, at: datetime, facts: Mapping[str, object], event_id: str = "") -> Message:
    """Return the message of something that happened.

    Args:
        topics: The node's topics.
        kind: Type of the event.
        at: When it happened.
        facts: Further fields of the message.
        event_id: Id of the event; by default made of its time and type.
    """
    body = {
        "event_type": kind,
        "id": event_id or f"{at:%Y%m%dT%H%M%S%f}-{kind}",
        "at": iso(at),
        "epoch_ms": epoch_ms(at),
        **facts,
    }
    return Message(topics.event(kind), json_bytes(body), queue_offline=True, is_event=True, content_type=JSON)
