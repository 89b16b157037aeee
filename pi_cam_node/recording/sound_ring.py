"""Ring of the camera's recent sound, to be interleaved by time with video encoded from pictures."""

from __future__ import annotations

from collections.abc import Callable

from pi_cam_node.base.block_ring import BlockRing
from pi_cam_node.base.ring_records import Reader
from pi_cam_node.imaging.packet import Packet, PacketFacts

# The longest pre-roll, and as much of stereo at 128 kbit/s. Memory is taken only as sound comes.
KEPT_S, CAPACITY_BYTES = 125.0, 2 << 20
# Where the newest frame began so long before, no sound comes any more.
SILENT_S = 3.0


class SoundRing:
    """Frames of AAC with the times at which they began. Thread: any."""

    def __init__(self, is_wanted: Callable[[], bool] = lambda: False) -> None:
        """Keep nothing yet.

        Args:
            is_wanted: Returns whether sound is to be used.
        """
        self.is_wanted = is_wanted
        self._ring: BlockRing[PacketFacts] = BlockRing(CAPACITY_BYTES, returns_memory=True)

    @property
    def size_bytes(self) -> int:
        """Bytes of all frames."""
        return self._ring.size_bytes

    def newest_for(self, mono_s: float) -> Packet | None:
        """Return the newest frame, without its bytes, for pictures that begin at a moment.

        ``None`` where the sound had ended by then (a camera that came back without any), or none is to be used.
        """
        last = self._ring.last if self.is_wanted() else None
        if last is None or last.mono_s < mono_s - SILENT_S:
            return None
        return Packet(last.mono_s, False, b"", last.meta)

    def append(self, packet: Packet) -> None:
        """Append a frame; older ones than `KEPT_S` are forgotten."""
        last = self._ring.last
        mono_s = packet.mono_s if last is None else max(packet.mono_s, last.mono_s)
        self._ring.append(mono_s, packet.data, packet.facts)
        while (first := self._ring.first) is not None and first.mono_s < mono_s - KEPT_S:
            self._ring.drop_oldest()

    def clear(self) -> None:
        """Forget and overwrite every frame."""
        if self._ring.last is not None:
            self._ring.clear()

    def reader(self) -> SoundReader:
        """Return a reader that begins where the first pictures are that it is asked for."""
        return SoundReader(self._ring)


class SoundReader:
    """Hands out frames in order, as far as the pictures have come. Thread: one.

    The first frame is the one during which the first picture was taken. That picture may be much older than the moment
    asked for (at night they are seconds apart), or newer (where the encoder is slow and others were evicted).
    """

    def __init__(self, ring: BlockRing[PacketFacts]) -> None:
        self._ring = ring
        self._reader: Reader[PacketFacts] | None = None
        self._held: Packet | None = None

    def until(self, mono_s: float) -> list[Packet]:
        """Return the frames that began at a moment or before, and have not been handed out."""
        due: list[Packet] = []
        if self._reader is None:
            self._reader = self._ring.reader(self._ring.key_before(mono_s))
        while True:
            if self._held is None and (item := self._reader.next()) is not None:
                record, data = item
                self._held = Packet(record.mono_s, False, data, record.meta)
            if self._held is None or self._held.mono_s > mono_s:
                return due
            due.append(self._held)
            self._held = None
