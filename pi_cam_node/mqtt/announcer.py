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
        self._words = EventMessages(topics)
        self._board = RetainedState(topics)
        self._session = 0
        self._announced = b""
        self._refreshed_s = clock.monotonic()
        self._again_s: float | None = None

    def start(self, config: Config) -> None:
        """Put everything that is true before the first frame on the board."""
        for message in (
            *self._words.config(config),
            *self._words.beginning(private=config.privacy.enable),
            self._words.availability(online=True),
        ):
            self._board.put(message)
        self.announce(config)

    def announce(self, config: Config) -> None:
        """Tell who the node is, to everybody and to Home Assistant."""
        self._say(self._words.info(self._info(self._session)))
        body = self._discovery(config) if config.homeassistant.enable else None
        if body is not None:
            self._take_away(self._announced, body)
        message = self._words.discovery(body)
        self._announced = message.payload
        self._say(message)

    def hear(self, arrival: Input, config: Config) -> None:
        """React to what came from the broker; arrivals that are not its own are ignored."""
        match arrival:
            case BrokerConnected(session=session):
                self._session = session
                self._board.put(self._words.info(self._info(session)))
                self._link.announce(self._board.birth())
                self._refreshed_s = self._clock.monotonic()
            case HomeAssistantStarted():
                self._resend()
                # Home Assistant subscribes to states only after it has taken the discovery in.
                self._again_s = self._clock.monotonic() + ECHO_S
            case DiscoveryFound(payload=payload) if config.homeassistant.enable:
                current = self._discovery(config)
                if self._take_away(payload, current):
                    self._link.publish(self._words.discovery(current))
            case StaleWillSeen():
                self._link.publish(self._words.availability(online=True))
            case _:
                return

    def tell(self, fact: Event) -> None:
        """Publish what happened, where it is news."""
        if isinstance(fact, LiveFrameDue) and not self._link.is_connected:
            return  # nobody can see it, so it is not worth its encoding
        if isinstance(fact, SettingChanged) and fact.key == PRIVACY_KEY and fact.value:
            self._link.forget_pictures()
        for message in self._words.messages(fact):
            self._say(message)

    def tick(self, refresh_s: float) -> None:
        """Send unchanged states again now and then."""
        now_s = self._clock.monotonic()
        is_due = self._again_s is not None and now_s >= self._again_s
        if is_due or now_s - self._refreshed_s >= refresh_s:
            self._again_s = None
            self._refreshed_s = now_s
            self._resend()

    def farewell(self, deadline_s: float) -> None:
        """Say that the node goes, and close the link."""
        self._say(self._words.no_camera())
        self._link.close(self._words.availability(online=False), deadline_s)

    def _take_away(self, previous: bytes, current: Mapping[str, Any]) -> bool:
        """Empty what was announced and is no more; Home Assistant keeps what is merely left out."""
        cleaned = removal_message(previous, current)
        if cleaned is None:
            return False
        self._link.publish(self._words.discovery(cleaned))
        return True

    def _say(self, message: Message) -> None:
        if self._board.put(message):
            self._link.publish(message)

    def _resend(self) -> None:
        for message in self._board.refresh():
            self._link.publish(message)
