"""Packets of the camera on their way to the node: each goes once, with a picture that finds a free slot."""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.imaging.packet import Packet

# Three seconds of a large stream; a node that takes nothing for longer gets what follows from the next key frame on.
BYTES_MAX = 8 << 20
# Packets of one message, which names each of them.
AT_ONCE = 150
# Packets that wait with sound among them: as many as some seconds have, or pictures come too seldom to take all along.
SOUND_MAX = 300


class PacketQueue:
    """Packets that wait for the next picture, bounded in bytes. Thread: one.

    Attributes:
        dropped: Packets that were given up.
    """

    def __init__(self) -> None:
        self._waiting: list[Packet] = []
        self._size_bytes = 0
        self._needs_key = False
        self.dropped = 0

    def put(self, packets: Sequence[Packet]) -> None:
        """Append packets; where too much waits, all of it goes, and what comes before the next key frame.

        Sound goes first: where more packets wait than `SOUND_MAX`, the pictures need the room.
        """
        for packet in packets:
            if self._needs_key and not packet.key:
                self.dropped += 1
                continue
            self._needs_key = False
            self._waiting.append(packet)
            self._size_bytes += len(packet.data)
        if len(self._waiting) > SOUND_MAX:
            self._drop_sound()
        if self._size_bytes > BYTES_MAX:
            self._drop(len(self._waiting))

    def next(self, most_bytes: int) -> tuple[Packet, ...]:
        """Return the oldest packets that fit together; they wait until `sent`. One that never fits is given up."""
        if self._waiting and len(self._waiting[0].data) > most_bytes:
            self._drop(1)
        count = size_bytes = 0
        for packet in self._waiting[:AT_ONCE]:
            size_bytes += len(packet.data)
            if size_bytes > most_bytes:
                break
            count += 1
        return tuple(self._waiting[:count])

    def sent(self, count: int) -> None:
        """Forget the oldest packets."""
        if not count:
            return
        self._size_bytes -= sum(len(packet.data) for packet in self._waiting[:count])
        del self._waiting[:count]

    def _drop(self, count: int) -> None:
        """Give up the oldest packets, and those that need them."""
        while count < len(self._waiting) and not self._waiting[count].key:
            count += 1
        self._needs_key = count == len(self._waiting)
        self.dropped += count
        self.sent(count)

    def _drop_sound(self) -> None:
        """Give up the sound that waits."""
        pictures = [packet for packet in self._waiting if not packet.facts.sound]
        self.dropped += len(self._waiting) - len(pictures)
        self._waiting = pictures
        self._size_bytes = sum(len(packet.data) for packet in pictures)
