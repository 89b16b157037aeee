"""What the node tells the broker, and when: births, changes, refreshes, discovery.

The order after each connect is fixed by the contract and kept by the `RetainedState`. The link only carries;
what is said is decided here, on the node thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pi_cam_node.base.clock import Clock
from pi_cam_node.config import Config
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.events import Event, LiveFrameDue, SettingChanged
from pi_cam_node.core.inputs import BrokerConnected, DiscoveryFound, HomeAssistantStarted, Input, StaleWillSeen
from pi_cam_node.mqtt.event_messages import EventMessages
from pi_cam_node.mqtt.homeassistant.discovery import removal_message
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.message import Message
from pi_cam_node.mqtt.retained_state import RetainedState
from pi_cam_node.mqtt.topics import Topics

Info = Callable[[int], Mapping[str, object]]
Discovery = Callable[[Config], dict[str, Any]]

# Home Assistant subscribes to the states of what it has just discovered within this time.
ECHO_S = 1.0


class Announcer:
    """Keeps the broker's picture of the node true. Used by the node thread.

    Args:
        topics: The node's topics.
        link: The way to the broker.
        clock: For the refresh.
        info: Returns the body of the info topic for a session number.
        discovery: Returns the discovery message for a configuration.
    """

    def __init__(self, topics: Topics, link: BrokerLink, clock: Clock, info: Info, discovery: Discovery) -> None:
        self._link = link
        self._clock = clock
        self._info = info
        self._discovery = discovery
        self._messages = EventMessages(topics)
        self._retained = RetainedState(topics)
        self._session = 0
        self._announced = b""
        self._refreshed_s = clock.monotonic()
        self._again_s: float | None = None

    def start(self, config: Config) -> None:
        """Put everything that is true before the first frame on the board."""
        for message in (
            *self._messages.config(config),
            *self._messages.beginning(private=config.privacy.enable),
            self._messages.availability(online=True),
        ):
            self._retained.put(message)
        self.announce(config)

    def announce(self, config: Config) -> None:
        """Tell who the node is, to everybody and to Home Assistant."""
        self._publish(self._messages.info(self._info(self._session)))
        body = self._discovery(config) if config.homeassistant.enable else None
        if body is not None:
            self._remove_stale(self._announced, body)
        message = self._messages.discovery(body)
        self._announced = message.payload
        self._publish(message)

    def on_input(self, received: Input, config: Config) -> None:
        """React to what came from the broker; arrivals that are not its own are ignored."""
        match received:
            case BrokerConnected(session=session):
                self._session = session
                self._retained.put(self._messages.info(self._info(session)))
                self._link.announce(self._retained.birth())
                self._refreshed_s = self._clock.monotonic()
            case HomeAssistantStarted():
                self._resend()
                # Home Assistant subscribes to states only after it has taken the discovery in.
                self._again_s = self._clock.monotonic() + ECHO_S
            case DiscoveryFound(payload=payload) if config.homeassistant.enable:
                current = self._discovery(config)
                if self._remove_stale(payload, current):
                    self._link.publish(self._messages.discovery(current))
            case StaleWillSeen():
                self._link.publish(self._messages.availability(online=True))
            case _:
                return

    def on_event(self, event: Event) -> None:
        """Publish what happened, where it is news."""
        if isinstance(event, LiveFrameDue) and not self._link.is_connected:
            return  # nobody can see it, so it is not worth its encoding
        if isinstance(event, SettingChanged) and event.key == PRIVACY_KEY and event.value:
            self._link.forget_pictures()
        for message in self._messages.messages(event):
            self._publish(message)

    def tick(self, refresh_s: float) -> None:
        """Send unchanged states again now and then."""
        now_s = self._clock.monotonic()
        is_due = self._again_s is not None and now_s >= self._again_s
        if is_due or now_s - self._refreshed_s >= refresh_s:
            self._again_s = None
            self._refreshed_s = now_s
            self._resend()

    def close(self, deadline_s: float) -> None:
        """Say that the node goes, and close the link."""
        self._publish(self._messages.no_camera())
        self._link.close(self._messages.availability(online=False), deadline_s)

    def _remove_stale(self, previous: bytes, current: Mapping[str, Any]) -> bool:
        """Empty what was announced and is no more; Home Assistant keeps what is merely left out."""
        cleaned = removal_message(previous, current)
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
