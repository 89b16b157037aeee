"""Publishes the node's state: birth messages, changes, refreshes, discovery.

The order after each connect is fixed, and kept by the `RetainedState`. The link only transports; this module decides
what is published, on the node thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import replace
from typing import Any

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.schedule import AT_ONCE_S, NEVER_S
from pi_cam_node.config import Config
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.events import Event, FramesSent, LiveFrameDue, Replied, SettingChanged
from pi_cam_node.core.inputs import (
    BrokerConnected,
    BrokerLimitFound,
    CameraOpened,
    DiscoveryFound,
    HomeAssistantStarted,
    HttpAddressChanged,
    IdConflictSeen,
    StaleWillSeen,
    TopicDotsSeen,
)
from pi_cam_node.imaging.frame import PREVIEW_WIDTH_PX, Demand
from pi_cam_node.mqtt.homeassistant.discovery import removal_message, within
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.retained_state import RetainedState
from pi_cam_node.mqtt.messages.topics import Topics

Info = Callable[[int], Mapping[str, object]]
Discovery = Callable[[Config], dict[str, Any]]

# Home Assistant subscribes to states within this time after discovery. More than a second, so that repeated states are
# no burst for brokers with a rate limit per second.
ECHO_S = 1.5
# Interval in which all states are repeated if the broker has no retained messages.
UNRETAINED_REFRESH_S = 60.0
# Interval in which states with an expiry (`ON_EXPIRES_S`) are renewed.
RENEW_S = 60.0
# Small live pictures are requested for so long at once, as each request wakes both processes.
PREVIEWS_AHEAD_S = 60.0
# No limit for a small picture.
ANY_BYTES = 1 << 30


class Announcer:
    """Keeps the retained messages at the broker up to date. Used by the node thread.

    Args:
        topics: The node's topics.
        link: Connection to the broker.
        clock: Tells the time.
        config: Returns the current settings.
        info: Returns the body of the info topic for a session number.
        discovery: Returns the discovery message for a configuration.
        undecided: Returns the components that may still be added, so that earlier ones are not removed.
        demand: Requests additional data with the first frame exposed at or after a monotonic time.

    Attributes:
        due_s: When unchanged states are to be repeated.
    """

    def __init__(  # noqa: PLR0917 - the node builds it, from left to right
        self,
        topics: Topics,
        link: BrokerLink,
        clock: Clock,
        config: Callable[[], Config],
        info: Info,
        discovery: Discovery,
        undecided: Callable[[Config], Collection[str]] = lambda _config: (),
        demand: Callable[[float, Demand], None] = lambda _mono_s, _demand: None,
    ) -> None:
        self._topics, self._link = topics, link
        self._clock = clock
        self._config = config
        self._info = info
        self._discovery, self._undecided, self._demand = discovery, undecided, demand
        self._messages = EventMessages(topics)
        self._retained = RetainedState(topics)
        self._session = 0
        self._demanded: Demand | None = None
        self._announced = self._earlier = b""
        self._refreshed_s = clock.monotonic()
        self._all_s = AT_ONCE_S
        self._renew_s = NEVER_S
        self.due_s = AT_ONCE_S

    def start(self) -> None:
        """Fill the retained state with the values before the first frame."""
        config = self._config()
        for message in (
            *self._messages.config(config),
            *self._messages.beginning(private=config.privacy.enable, live=config.homeassistant.shows_live),
            self._messages.availability(online=True),
        ):
            self._retained.put(message)
        self.announce()
        self._refreshed(self._clock.monotonic())

    def announce(self) -> None:
        """Publish the info and the discovery message, if changed."""
        config = self._config()
        self._publish(self._messages.info(self._info(self._session)))
        body, is_cleaned = (self._offer(config) if config.homeassistant.enable else None), False
        if body is not None:
            self._remove_stale(self._announced, body)
            if self._earlier and not self._undecided(config):
                earlier, self._earlier = self._earlier, b""
                is_cleaned = self._remove_stale(earlier, body)
        message = self._messages.discovery(body)
        self._announced = message.payload
        if self._retained.put(message) or is_cleaned:
            self._link.publish(message)

    def on_event(self, event: Event) -> None:
        """Publish an event, or react to messages from the broker; other events are ignored."""
        match event:
            case BrokerConnected(session=session):
                self._connected(session)
            case HomeAssistantStarted():
                self._resend()
                # Home Assistant subscribes to states only after processing the discovery message.
                self._all_s = self._clock.monotonic() + ECHO_S
                self.due_s = min(self.due_s, self._all_s)
            case DiscoveryFound(payload=payload) if self._config().homeassistant.enable:
                current = self._offer(self._config())
                self._earlier = payload if self._undecided(self._config()) else b""
                if self._remove_stale(payload, current):
                    self._link.publish(self._messages.discovery(current))
            case StaleWillSeen() | IdConflictSeen():
                # First the availability, then all topics that another node with this id may have overwritten.
                self._link.publish(self._messages.availability(online=True))
                self._resend()
            case CameraOpened() | HttpAddressChanged() | BrokerLimitFound() | TopicDotsSeen():
                self._what_it_rests_on_changed(event)
            case LiveFrameDue() if not self._link.is_connected:
                return  # no client can receive it
            case LiveFrameDue():
                self._publish_live(event)
            case Replied(origin=origin) | FramesSent(origin=origin) if origin != "mqtt":
                return  # another adapter delivers it
            case _:
                self._publish_event(event)

    def _what_it_rests_on_changed(self, event: Event) -> None:
        """Announce again; if the broker turns dots into slashes, with other topics for the settings."""
        if isinstance(event, TopicDotsSeen):
            old = copy(self._topics)
            self._topics.has_dots = event.kept
            for message in self._retained.move_settings(old, self._topics):
                self._link.publish(message)
        self.announce()

    def _connected(self, session: int) -> None:
        """Publish the birth messages, updated for the session and its limits."""
        self._session = session
        self._retained.put(self._messages.info(self._info(session)))
        if (config := self._config()).homeassistant.enable:
            self._retained.put(self._messages.discovery(self._offer(config)))
        self._link.announce(self._retained.birth())
        self._refreshed(self._clock.monotonic())

    def _publish_live(self, event: LiveFrameDue) -> None:
        """Publish the live picture; if it is wide or too large for the broker, request smaller ones for later."""
        frame, settings = event.frame, self._config().homeassistant
        room_bytes = self._messages.live_room_bytes(self._link.packet_limit_bytes)
        is_wide = 0 < settings.camera_width < frame.size[0]
        if not is_wide and (room_bytes is None or len(frame.jpeg) <= room_bytes):
            self._publish_event(LiveFrameDue(frame if frame.preview is None else replace(frame, preview=None)))
            return
        demand = Demand(
            preview_bytes=ANY_BYTES if room_bytes is None else room_bytes,
            preview_px=settings.camera_width if is_wide else PREVIEW_WIDTH_PX,
            times=max(1, round(PREVIEWS_AHEAD_S * settings.camera_fps)),
            every_s=1 / settings.camera_fps,
        )
        if (frame.preview is None or demand != self._demanded) and (room_bytes is None or room_bytes > 0):
            self._demanded = demand
            self._demand(frame.exposed_mono_s, demand)
        if frame.preview is not None:
            self._publish_event(event)

    def _publish_event(self, event: Event) -> None:
        if isinstance(event, SettingChanged):
            if event.key == PRIVACY_KEY and event.value:
                self._link.forget_pictures()
            self._all_s = min(self._all_s, self._refreshed_s + self._config().telemetry.refresh_s)
            self.due_s = min(self.due_s, self._all_s)
            self.announce()  # info contains a hash of the settings, discovery some of them
        for message in self._messages.messages(event, self._link.packet_limit_bytes):
            self._publish(message)
            if message.expires_s and self._renew_s == NEVER_S:
                self._renew_s = self._clock.monotonic() + RENEW_S
                self.due_s = min(self.due_s, self._renew_s)

    def on_time(self, now_s: float) -> None:
        """Repeat unchanged states: all of them, or only those with an expiry."""
        if now_s >= self._all_s:
            self._resend()
            self._refreshed(now_s)
            return
        expiring = self._retained.expiring()
        for message in expiring:
            self._link.publish(message)
        self._renew_s = now_s + RENEW_S if expiring else NEVER_S
        self.due_s = min(self._all_s, self._renew_s)

    def _refreshed(self, now_s: float) -> None:
        refresh_s = self._config().telemetry.refresh_s
        self._refreshed_s = now_s
        self._all_s = now_s + (refresh_s if self._link.retains else min(refresh_s, UNRETAINED_REFRESH_S))
        self._renew_s = now_s + RENEW_S if self._retained.expiring() else NEVER_S
        self.due_s = min(self._all_s, self._renew_s)

    def close(self, deadline_s: float) -> None:
        """Publish ``offline`` and disconnect."""
        self._publish(self._messages.no_camera())
        self._link.close(self._messages.availability(online=False), deadline_s)

    def _offer(self, config: Config) -> Mapping[str, Any]:
        """Return the discovery message with as many entities as fit into the broker's packet limit."""
        body, limit_bytes = self._discovery(config), self._link.packet_limit_bytes
        if limit_bytes is None:
            return body
        return within(body, limit_bytes - self._messages.discovery(None).size_bytes)

    def _remove_stale(self, previous: bytes, current: Mapping[str, Any]) -> bool:
        """Remove components that are no longer announced; Home Assistant keeps those that are merely omitted."""
        cleaned = removal_message(previous, current, self._undecided(self._config()))
        if cleaned is None:
            return False
        self._link.publish(self._messages.discovery(cleaned))
        return True

    def _publish(self, message: Message) -> None:
        if self._retained.put(message):
            self._link.publish(message)

    def _resend(self) -> None:
        for message in self._retained.refresh():
            self._link.publish(message)
