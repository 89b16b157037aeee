"""The retained table: what the broker ought to hold of this node, so that it can be told again.

A broker that was restarted may have forgotten everything, so the whole table goes out after each
connect. Its topics are a fixed set, which bounds it.
"""

from __future__ import annotations

from pi_cam_node.config.settings import catalogue
from pi_cam_node.mqtt.message import Message
from pi_cam_node.mqtt.topics import STATE_KEYS, Topics


class RetainedState:
    """The last retained message of each topic. Used by the node thread."""

    def __init__(self, topics: Topics) -> None:
        live = [key for key, info in catalogue().items() if info.live]
        self._frame = topics.frame
        self._media = (topics.media_image, topics.media_thumbnail, topics.media_last)
        # Birth order: whoever sees `online` finds everything before it in place.
        order = (
            topics.info,
            *map(topics.config, live),
            *map(topics.state, STATE_KEYS),
            self._frame,
            *self._media,
            topics.own_discovery,
            topics.camera_availability,
            topics.availability,
        )
        self._table: dict[str, Message | None] = dict.fromkeys(order)

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic that the node may hold at the broker."""
        return tuple(self._table)

    def put(self, message: Message) -> bool:
        """Take a message in; return whether it has to be published, because the broker's is another.

        Messages that are not retained, and the live picture, are always to be published and not kept. An
        emptied topic is remembered as such: the broker may still hold something of an earlier life of the node.
        """
        if message.topic == self._frame and message.payload:
            self._table[self._frame] = None
            return True
        if not message.retain or message.topic not in self._table:
            return True
        if self._table[message.topic] == message:
            return False
        self._table[message.topic] = message
        return True

    def birth(self) -> list[Message]:
        """Return everything, in the order of publication after a connect."""
        return [message for message in self._table.values() if message is not None]

    def refresh(self) -> list[Message]:
        """Return everything but the pictures: small enough to be sent again now and then."""
        return [message for message in self.birth() if message.topic not in self._media]

    @property
    def size_bytes(self) -> int:
        """Bytes of the payloads held."""
        return sum(len(message.payload) for message in self.birth())
