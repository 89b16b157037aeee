"""Retained state: the retained messages that the broker ought to hold, to be published again after a connect.

A broker that was restarted may have forgotten everything, so the whole table goes out after each
connect. Its topics are a fixed set, which bounds it.
"""

from __future__ import annotations

from dataclasses import replace

from pi_cam_node.config.settings import catalogue
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.topics import STATE_KEYS, Topics

# Zones that were removed are remembered, so that a broker that was away then removes them, too.
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
        # Birth order: a client that sees `online` finds everything before it in place.
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
        """Every topic that the node may hold at the broker."""
        return (*self._table, *self._zone_states, *self._last)

    def put(self, message: Message) -> bool:
        """Take a message in; return whether it has to be published, because the broker's is another.

        Messages that are not retained, and the live picture, are always to be published and not kept. An
        emptied topic is remembered as such: the broker may still hold something of an earlier run of the node.
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
        """Store the state of a zone; the names of zones that are gone are remembered up to a number."""
        if self._zone_states.get(message.topic) == message:
            return False
        self._zone_states[message.topic] = message
        gone = [topic for topic, state in self._zone_states.items() if not state.payload]
        for topic in gone[:-ZONES_GONE_MAX]:
            del self._zone_states[topic]
        return True

    def move_settings(self, old: Topics, new: Topics) -> list[Message]:
        """Let the settings' values have other topics; return what is to be published: the old ones empty, and the new.

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
        """Return everything, in the order of publication after a connect."""
        held = (*self._table.values(), *self._zone_states.values(), *self._last.values())
        return [message for message in held if message is not None]

    def refresh(self) -> list[Message]:
        """Return everything but the pictures: small enough to be sent again now and then."""
        return [message for message in self.birth() if message.topic not in self._media]

    def expiring(self) -> list[Message]:
        """Return the messages that the broker drops unless they are renewed."""
        return [message for message in self.birth() if message.expires_s]

    @property
    def size_bytes(self) -> int:
        """Bytes of the payloads held."""
        return sum(len(message.payload) for message in self.birth())
