"""Ring of recent packets, read by recorder and live view.

A sound packet is stored with the time of the preceding picture, is evicted with it, and has its own time in
`PacketFacts`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pi_cam_node.base.block_ring import BlockRing
from pi_cam_node.base.ring_records import Reader
from pi_cam_node.imaging.packet import Packet, PacketFacts, Track
from pi_cam_node.recording.sound_ring import SILENT_S

CAPACITY_BYTES = 8 << 20
# A longer distance of packets is a pause.
_PAUSE_S = 1.0
# Number of tracks that are kept; packets of older ones were evicted.
_TRACKS_KEPT = 8


class PacketStream:
    """Ring of packets with notification of readers. Thread: any."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES, has_sound: Callable[[], bool] = lambda: False) -> None:
        """Keep nothing yet.

        Args:
            capacity_bytes: Room for packets.
            has_sound: Returns whether sound is to be used.
        """
        self._ring: BlockRing[PacketFacts] = BlockRing(capacity_bytes, returns_memory=True)
        self._tracks: dict[int, Track] = {}
        self._number = 0
        self._has_sound, self._sound, self._sound_s = has_sound, b"", float("-inf")
        self._changed = threading.Condition()

    @property
    def last_mono_s(self) -> float:
        """Time of the newest packet; minus infinity where there is none."""
        last = self._ring.last
        return float("-inf") if last is None else last.mono_s

    @property
    def first_mono_s(self) -> float | None:
        """Time of the oldest packet, a key frame; ``None`` where there is none."""
        first = self._ring.first
        return None if first is None else first.mono_s

    @property
    def sound(self) -> bytes:
        """AudioSpecificConfig of the newest sound; empty where none came lately, or none is to be used, by now."""
        last = self._ring.last
        is_silent = last is not None and last.mono_s - self._sound_s > SILENT_S
        return self._sound if self._has_sound() and not is_silent else b""

    @property
    def size_bytes(self) -> int:
        """Bytes of all packets."""
        return self._ring.size_bytes

    def begin(self, track: Track) -> int:
        """Begin a track, whose first packet is a key frame; return its number."""
        self._number += 1
        self._tracks[self._number] = track
        for number in sorted(self._tracks)[:-_TRACKS_KEPT]:
            del self._tracks[number]
        return self._number

    def expect_sound(self, newest: Packet) -> None:
        """Note the format of sound that will come with the pictures, and when its newest frame began."""
        self._sound, self._sound_s = newest.facts.sound, newest.mono_s

    def track(self, number: int) -> Track | None:
        """Return a track; ``None`` once it was dropped."""
        return self._tracks.get(number)

    def append(self, packet: Packet) -> None:
        """Append a picture, later than the one before, or the sound of one, and wake the readers."""
        if packet.facts.sound:
            self._append_sound(packet)
            return
        if packet.mono_s > self.last_mono_s:
            self._ring.append(packet.mono_s, packet.data, packet.facts, key=packet.key)
        with self._changed:
            self._changed.notify_all()

    def _append_sound(self, packet: Packet) -> None:
        last = self._ring.last
        if last is not None:
            self._ring.append(last.mono_s, packet.data, packet.facts, key=False)
            self.expect_sound(packet)

    def holds(self, mono_s: float) -> bool:
        """Return whether all packets from a time on are still in the ring."""
        first = self._ring.first
        return first is None or first.seq == 0 or first.mono_s <= mono_s

    def key_times(self) -> Sequence[float]:
        """Return the monotonic times of the key frames, oldest first."""
        return [record.mono_s for record in self._ring.records() if record.key]

    def reader_since(self, mono_s: float) -> Reader[PacketFacts]:
        """Return a reader that starts at the last key frame at or before a time.

        During a pause (camera offline) it starts at the first key frame after it.
        """
        start = self._ring.key_before(mono_s)
        if start is not None and start.mono_s <= mono_s:
            later = [record for record in self._ring.records() if record.seq > start.seq]
            next_key = next((number for number, record in enumerate(later) if record.key), None)
            if next_key is not None:
                last = later[next_key - 1] if next_key else start
                start = later[next_key] if last.mono_s < mono_s - _PAUSE_S else start
        return self._ring.reader(start)

    def wait(self, timeout_s: float) -> None:
        """Wait for the next packet, for so long at most."""
        with self._changed:
            self._changed.wait(timeout_s)

    def drop_before(self, mono_s: float) -> None:
        """Drop the groups of pictures that begin before a time."""
        while (first := self._ring.first) is not None and first.mono_s < mono_s:
            self._ring.drop_oldest()

    def clear(self) -> None:
        """Forget and overwrite every packet."""
        self._sound = b""
        self._ring.clear()
