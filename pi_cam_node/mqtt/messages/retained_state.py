"""Retained state: the retained messages that the broker should hold, repeated after each connect.

A restarted broker may have lost everything, so all messages are published after each connect. The set of topics is
fixed.
"""

from __future__ import annotations

from dataclasses import replace

from pi_cam_node.config.settings import catalogue
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.topics import STATE_KEYS, Topics

# Number of removed zones that are kept, to empty their topics at a broker that was offline.
ZONES_GONE_MAX = 32


class RetainedState:
    """The last retained message of each topic. Used by the node thread."""

    def __init__(self, topics: Topics) -> None:
        live = [key for key, info in catalogue().items() if info.live]
        self._frame = topics.frame
        self._media = (
            topics.media_image,
            topics.media_thumbnail,
            topics.media_last,
            topics.media_event,
            topics.media_event_image,
        )
        self._zones = f"{topics.state('motion')}/"
        # Order of the birth messages: `online` comes last, when everything else is in place.
        order = (
            topics.info,
            *map(topics.config, live),
            *map(topics.state, STATE_KEYS),
            self._frame,
            *self._media,
            topics.own_discovery,
        )
        self._table: dict[str, Message | None] = dict.fromkeys(order)
        self._zone_states: dict[str, Message] = {}
        self._last: dict[str, Message | None] = dict.fromkeys((topics.camera_availability, topics.availability))

    @property
    def topics(self) -> tuple[str, ...]:
        """All retained topics of the node."""
        return (*self._table, *self._zone_states, *self._last)

    def put(self, message: Message) -> bool:
        """Store a message; return whether it has changed, and so must be published.

        Messages that are not retained, and the live picture, are always published and not stored. Emptied topics are
        stored, as the broker may still hold a message of an earlier run.
        """
        topic = message.topic
        if topic == self._frame and message.payload:
            self._table[self._frame] = None
            return True
        if topic.startswith(self._zones):
            return self._put_zone(message)
        table = self._table if topic in self._table else self._last
        if not message.retain or topic not in table:
            return True
        if table[topic] == message:
            return False
        table[topic] = message
        return True

    def _put_zone(self, message: Message) -> bool:
        """Store the state of a zone; a limited number of removed zones is kept."""
        if self._zone_states.get(message.topic) == message:
            return False
        self._zone_states[message.topic] = message
        gone = [topic for topic, state in self._zone_states.items() if not state.payload]
        for topic in gone[:-ZONES_GONE_MAX]:
            del self._zone_states[topic]
        return True

    def move_settings(self, old: Topics, new: Topics) -> list[Message]:
        """Move the settings' values to other topics; return the messages that empty the old ones and set the new ones.

        Args:
            old: Topics by which they were published.
            new: Topics by which they are published from now on.
        """
        moved = {old.config(key): new.config(key) for key, info in catalogue().items() if info.live}
        emptied = [replace(m, payload=b"") for topic, m in self._table.items() if topic in moved and m is not None]
        self._table = {
            moved.get(topic, topic): message and replace(message, topic=moved.get(topic, topic))
            for topic, message in self._table.items()
        }
        return [*emptied, *(m for topic in moved.values() if (m := self._table[topic]) is not None)]

    def birth(self) -> list[Message]:
        """Return all messages, in the order of publication after a connect."""
        held = (*self._table.values(), *self._zone_states.values(), *self._last.values())
        return [message for message in held if message is not None]

    def refresh(self) -> list[Message]:
        """Return all messages except pictures, for periodic repetition."""
        return [message for message in self.birth() if message.topic not in self._media]

    def expiring(self) -> list[Message]:
        """Return the messages with an expiry, which must be renewed."""
        return [message for message in self.birth() if message.expires_s]
