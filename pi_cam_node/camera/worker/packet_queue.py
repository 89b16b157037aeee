"""Queue of the camera's packets to the node; each is sent once, with a picture that gets a free slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pi_cam_node.imaging.packet import Packet

# Three seconds of a large stream; beyond that, packets are dropped up to the next key frame.
BYTES_MAX = 8 << 20
# Maximum number of packets in one message.
AT_ONCE = 150
# Maximum number of queued packets with sound: some seconds; more means too few pictures to send them with.
SOUND_MAX = 300


class PacketQueue:
    """Packets waiting for the next picture, limited in bytes. Thread: one."""

    def __init__(self) -> None:
        self._waiting: list[Packet] = []
        self._size_bytes = 0
        self._needs_key = False

    def put(self, packets: Sequence[Packet]) -> None:
        """Append packets; at the limit drop all, and further ones up to the next key frame.

        Sound is dropped first, if more than `SOUND_MAX` packets wait.
        """
        for packet in packets:
            if self._needs_key and not packet.key:
                continue
            self._waiting.append(_after_loss(packet) if self._needs_key else packet)
            self._needs_key = False
            self._size_bytes += len(packet.data)
        if len(self._waiting) > SOUND_MAX:
            self._drop_sound()
        if self._size_bytes > BYTES_MAX:
            self._drop(len(self._waiting))

    def next(self, most_bytes: int) -> tuple[Packet, ...]:
        """Return the oldest packets that fit, queued until `sent`. A packet that can never fit is dropped."""
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
        """Remove the oldest packets."""
        if not count:
            return
        self._size_bytes -= sum(len(packet.data) for packet in self._waiting[:count])
        del self._waiting[:count]

    def _drop(self, count: int) -> None:
        """Drop the oldest packets and their dependents."""
        while count < len(self._waiting) and not self._waiting[count].key:
            count += 1
        self._needs_key = count == len(self._waiting)
        self.sent(count)
        if self._waiting:
            self._waiting[0] = _after_loss(self._waiting[0])

    def _drop_sound(self) -> None:
        """Drop pending sound."""
        self._waiting = [packet for packet in self._waiting if not packet.facts.sound]
        self._size_bytes = sum(len(packet.data) for packet in self._waiting)


def _after_loss(packet: Packet) -> Packet:
    """Return a packet with the mark that others before it are missing."""
    return replace(packet, facts=replace(packet.facts, after_loss=True))
