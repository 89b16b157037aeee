"""Converts events to MQTT messages. Pure, so that tests compare by equality."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

from pi_cam_node.base.clock import iso
from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.config import Config, settings
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core import events as e
from pi_cam_node.core.activity_events import EventPictured, NoEventPictured
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.mqtt.messages.activity_messages import activity_messages, event_message
from pi_cam_node.mqtt.messages.message import JPEG, JSON, Message, text
from pi_cam_node.mqtt.messages.topics import Topics

ONLINE, OFFLINE = "online", "offline"
# An empty retained payload would take the topic away, so a fault that is over has a word of its own.
NO_FAULT = "ok"
EMPTY_TEXT = '""'


class EventMessages:
    """Makes the MQTT messages of events."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._last_picture_id = self._event_picture_id = ""

    # ------------------------------------------------------------ messages about the node

    def availability(self, *, online: bool) -> Message:
        """Return whether the node is there."""
        return self._retained(self._topics.availability, ONLINE if online else OFFLINE)

    def info(self, body: Mapping[str, object]) -> Message:
        """Return the message of the node's info."""
        return Message(self._topics.info, json_bytes(body), retain=True, content_type=JSON)

    def discovery(self, body: Mapping[str, object] | None) -> Message:
        """Return Home Assistant's discovery message; without a body the one that takes the device away."""
        payload = b"" if body is None else json_bytes(body)
        return Message(self._topics.own_discovery, payload, retain=True, content_type=JSON)

    def beginning(self, *, private: bool, live: bool = True) -> list[Message]:
        """Return the states before the first frame; what an earlier run of the node left behind is removed.

        Args:
            private: Whether privacy is on.
            live: Whether live pictures are published.
        """
        unknown = [self._state(key, "") for key in ("mode", "brightness", "lux")]
        return [
            *unknown,
            self._state("motion", "OFF"),
            self._state("recording", "OFF"),
            *([] if live else self._emptied(self._topics.frame)),
            *self._privacy(on=private),
            self._state("ring_seconds", "0.0"),
            self._state("last_error", NO_FAULT),
            self.no_camera(),
        ]

    def no_camera(self) -> Message:
        """Return that no frames arrive."""
        return self._retained(self._topics.camera_availability, OFFLINE)

    def config(self, config: Config) -> list[Message]:
        """Return the value in force of every live setting."""
        live = (key for key, info in settings.catalogue().items() if info.live)
        return [self._setting(key, settings.value_of(config, key)) for key in live]

    # ------------------------------------------------------------ what happened

    def messages(self, event: e.Event, packet_limit_bytes: int | None = None) -> list[Message]:
        """Return the messages of an event, in the order in which they are to be published.

        Args:
            event: Event to publish.
            packet_limit_bytes: Largest packet that the broker takes; ``None`` for no known limit.
        """
        match event:
            case e.BrightnessMeasured(level=level, lux=lux):
                made = [self._state("brightness", f"{level:.1f}"), self._state("lux", _lux(lux))]
            case e.RingMeasured(seconds=seconds):
                made = [self._state("ring_seconds", f"{seconds:.1f}")]
            case e.SettingChanged(key=key, value=value):
                switched = self._privacy(on=bool(value)) if key == PRIVACY_KEY else []
                pictures = () if value else self._pictures_of(key)
                made = [*switched, *self._emptied(*pictures), self._setting(key, value)]
            case e.FaultReported(code=code, message=message):
                made = [self._state("last_error", _one_line(f"{code}: {message}") if message else NO_FAULT)]
            case e.TelemetryTaken(figures=figures):
                made = [Message(self._topics.telemetry, json_bytes(figures), qos=0, content_type=JSON)]
            case e.LiveFrameDue(frame=frame):
                made = self._live_frame(frame, packet_limit_bytes)
            case _:
                made = self._event_and_state(event)
        return made

    def live_room_bytes(self, packet_limit_bytes: int | None) -> int | None:
        """Return how large a live picture may be; ``None``: as large as it is."""
        return None if packet_limit_bytes is None else packet_limit_bytes - self._live_picture(b"").size_bytes

    def _live_frame(self, frame: Frame, packet_limit_bytes: int | None) -> list[Message]:
        """Return the live picture, the small one where the frame has it; nothing where the broker takes neither."""
        room_bytes = self.live_room_bytes(packet_limit_bytes)
        pictures = (frame.preview or b"", frame.jpeg)
        fits = (each for each in pictures if each and (room_bytes is None or len(each) <= room_bytes))
        return [self._live_picture(picture) for picture in fits][:1]

    def _live_picture(self, picture: bytes) -> Message:
        return Message(self._topics.frame, picture, qos=0, retain=True, content_type=JPEG)

    def _event_and_state(self, event: e.Event) -> list[Message]:
        """Return the messages of an event or of a reply to one client."""
        match event:
            case e.ModeChanged(mode=mode, cause=cause, at=at):
                return [self._state("mode", mode), self._event("mode_changed", at, cause, mode=mode)]
            case e.CameraChanged(online=online, reason=reason, at=at):
                kind = "camera_back" if online else "camera_lost"
                available = self._retained(self._topics.camera_availability, ONLINE if online else OFFLINE)
                return [available, self._event(kind, at, reason)]
            case e.SettingsRolledBack() | e.CommandRefused():
                return [self._told_alone(event)]
            case e.PictureSaved() | e.PictureReloaded() | e.MediaDeleted() | NoEventPictured():
                return self._pictures(event)
            case e.Replied() | e.FramesSent():
                return [self._reply(event) if isinstance(event, e.Replied) else self._stream_frame(event)]
            case _:
                if isinstance(event, EventPictured):
                    self._event_picture_id = event.event.picture_id or ""
                return activity_messages(self._topics, event)

    def _told_alone(self, event: e.SettingsRolledBack | e.CommandRefused) -> Message:
        """Return the message of an event that changes no state."""
        if isinstance(event, e.SettingsRolledBack):
            return self._event("settings_rolled_back", event.at, event.reason, settings=dict(event.settings))
        body = {"verb": event.verb, "message": event.message, "origin": event.origin}
        return self._event("command_refused", event.at, event.code, **body)

    def _privacy(self, *, on: bool) -> list[Message]:
        """Return the state of privacy; where it is on, first the messages that remove every retained picture."""
        pictures = (self._topics.frame, *self._of_last, *self._of_event) if on else ()
        return [*self._emptied(*pictures), self._state("privacy", "ON" if on else "OFF")]

    @property
    def _of_last(self) -> tuple[str, ...]:
        """Topics of the last picture: those with pictures before the facts."""
        return (self._topics.media_image, self._topics.media_thumbnail, self._topics.media_last)

    @property
    def _of_event(self) -> tuple[str, ...]:
        """Topics of the last event with a picture."""
        return (self._topics.media_event_image, self._topics.media_event)

    def _pictures_of(self, key: str) -> tuple[str, ...]:
        """Topics of the pictures that a setting switches off with the value 0."""
        topics = {
            "homeassistant.camera_fps": (self._topics.frame,),
            "mqtt.image_max_bytes": (self._topics.media_image, self._topics.media_event_image),
            "export.thumbnail_px": (self._topics.media_thumbnail,),
        }
        return topics.get(key, ())

    def _emptied(self, *topics: str) -> list[Message]:
        """Return the messages that take retained ones away."""
        return [Message(topic, b"", retain=True) for topic in topics]

    def _pictures(self, event: e.PictureSaved | e.PictureReloaded | e.MediaDeleted | NoEventPictured) -> list[Message]:
        match event:
            case NoEventPictured():
                return self._emptied(*self._of_event)
            case e.PictureReloaded(picture=saved):
                return self._emptied(*self._of_last) if saved is None else self._last_picture(saved)
            case e.MediaDeleted():
                return self._no_picture(event)
        cause = {"auto": "interval", "event": "event"}.get(event.kind, "command")
        told = self._event("picture_saved", event.last_at, cause, event_id=event.id, media=event.facts())
        return [*self._last_picture(event), told]

    def _no_picture(self, deleted: e.MediaDeleted) -> list[Message]:
        """Return the messages that remove the last picture and that of the last event, where it is that one."""
        last = self._of_last if deleted.id == self._last_picture_id else ()
        return self._emptied(*last, *(self._of_event if deleted.id == self._event_picture_id else ()))

    def _last_picture(self, saved: e.PictureSaved) -> list[Message]:
        facts, self._last_picture_id = saved.facts(), saved.id
        small = base64.b64encode(saved.thumbnail) if saved.thumbnail is not None else b""
        last = {**facts, "thumbnail": small.decode()} if saved.thumbnail_asked and small else facts
        # Where a picture or thumbnail is not wanted an empty message takes the older one away: it would be of
        # another picture than the facts beside it.
        return [
            Message(self._topics.media_image, saved.image or b"", retain=True, content_type=JPEG),
            Message(self._topics.media_thumbnail, small, retain=True, is_picture=True),
            Message(self._topics.media_last, json_bytes(last), retain=True, content_type=JSON),
        ]

    def _reply(self, replied: e.Replied) -> Message:
        own = self._topics.reply(str(replied.body.get("verb", "")))
        topic = replied.reply_to if self._topics.may_reply_to(replied.reply_to) else None
        # A ticket is for its asker alone: where the broker does not take it there, it goes nowhere.
        has_fallback = topic is not None and not (replied.body.get("verb") == "ticket" and replied.body.get("ok"))
        return Message(
            topic or own,
            replied.json or json_bytes(replied.body),
            queue_offline=True,
            content_type=JSON,
            fallback_topic=own if has_fallback else "",
            correlation=replied.correlation,
        )

    def _stream_frame(self, sent: e.FramesSent) -> Message:
        user = (
            ("index", str(sent.index)),
            ("count", str(sent.count)),
            ("frame", str(sent.seq)),
            ("time", iso(sent.at)),
        )
        return Message(self._topics.shortstream, sent.jpeg, content_type=JPEG, user=user)

    def _event(self, kind: str, at: datetime, cause: str, event_id: str = "", **more: object) -> Message:
        return event_message(self._topics, kind, at, {"cause": cause, **more}, event_id)

    def _state(self, key: str, value: str) -> Message:
        return self._retained(self._topics.state(key), value)

    def _setting(self, key: str, value: object) -> Message:
        # A retained message without a payload would be none: an empty text is published as a JSON string.
        return self._retained(self._topics.config(key), settings.as_text(value) or EMPTY_TEXT)

    def _retained(self, topic: str, value: str) -> Message:
        return Message(topic, text(value), retain=True)


def _lux(lux: float | None) -> str:
    """Return lux to three significant digits; empty, which removes the retained message, where it is unknown."""
    if lux is None:
        return ""
    return f"{lux:.2f}" if lux < 10 else f"{lux:.0f}"


def _one_line(value: str) -> str:
    return " ".join(value.split())
