"""Ring of video packets from the camera's process, from which films are copied.

They come from the camera itself, or from the board's encoder. Sound is kept only if `recording.sound` enables it: among
the packets, and in a separate ring for video that is encoded from pictures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from pi_cam_node.base.clock import Clock
from pi_cam_node.core.film import EncoderKind
from pi_cam_node.imaging.aac import aac_format
from pi_cam_node.imaging.packet import Packet, Track
from pi_cam_node.recording.encoder_pool import PacketSource, PacketSupply
from pi_cam_node.recording.packet_stream import PacketStream
from pi_cam_node.recording.sound_ring import SoundRing

# Ten seconds at 12 Mbit/s; memory is used only as packets arrive.
CAPACITY_BYTES = 16 << 20
# Margin beyond the required time, as events reach the recorder with a delay.
_MARGIN_S = 1.0
# A camera that has sent no packets for so long counts as one without packets.
_SILENT_S = 5.0

# A film begins with a key frame: with a greater distance between them it would begin too long before its event. Live
# video begins with several segments, each of which begins with a key frame.
FILM_KEY_DISTANCE_S, LIVE_KEY_DISTANCE_S = 15.0, 5.0

PreRoll = Literal["auto", "packets", "pictures"]


class CameraPackets:
    """Recent packets of the camera; implements `PacketSource`.

    Thread: `take` the camera's, the rest any.

    Attributes:
        stream: The packets.
        sound: Ring of the sound, for encoded pictures.
        failure: Why there are no packets; empty otherwise.
        is_made: Whether they come from the board's encoder rather than the camera.
    """

    failure = ""

    def __init__(
        self,
        keep_s: Callable[[], float],
        is_private: Callable[[], bool],
        clock: Clock,
        has_sound: Callable[[], bool] = lambda: False,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        """Create an empty ring.

        Args:
            keep_s: Returns the required seconds: pre-roll and delay of events.
            is_private: Returns whether privacy is on; then nothing is kept.
            clock: Tells the time.
            has_sound: Returns whether sound is to be kept.
            capacity_bytes: Greatest size of all packets.
        """
        self.stream, self.sound = PacketStream(capacity_bytes, has_sound), SoundRing(has_sound)
        self._keep_s, self._is_private, self._clock, self._has_sound = keep_s, is_private, clock, has_sound
        self._keys: deque[float] = deque()
        self._source: tuple[int, int, tuple[int, int]] | None = None
        self._track = 0
        self._has_taken = False
        self._key_s, self._distance_s = float("inf"), 0.0
        self.is_made = False

    @property
    def size_bytes(self) -> int:
        """Bytes of all packets that are kept."""
        return self.stream.size_bytes + self.sound.size_bytes

    @property
    def is_drained(self) -> bool:
        """Whether no packets are expected, as the camera is offline."""
        return self._clock.monotonic() - self.stream.last_mono_s > _SILENT_S

    def take(self, session: int, size: tuple[int, int], packets: Sequence[Packet]) -> None:
        """Store received packets; see `TakePackets`. An empty call still removes expired ones."""
        if not packets and not self._has_taken:  # most cameras send none
            return
        self._has_taken = True
        if self._is_private():
            self.forget()
            return
        has_sound = self._has_sound()
        if not has_sound:
            self.sound.clear()
        for packet in packets:
            if packet.facts.sound:
                if has_sound and aac_format(packet.facts.sound):
                    self._take_sound(packet)
                continue
            source = (session, packet.facts.track, size)
            if source != self._source:
                if not packet.key:  # decoding starts with the first key frame of a track
                    continue
                self._key_s, self._distance_s = packet.mono_s, 0.0
                track = Track(size, is_copied=not packet.facts.is_made)
                self._source, self._track = source, self.stream.begin(track)
                self.is_made = packet.facts.is_made
            facts = replace(packet.facts, track=self._track)
            self.stream.append(replace(packet, facts=facts))
            if packet.key:
                self._distance_s, self._key_s = packet.mono_s - self._key_s, packet.mono_s
                self._keys.append(packet.mono_s)
            self._evict(packet.mono_s - self._keep_s() - _MARGIN_S)

    def _take_sound(self, packet: Packet) -> None:
        self.sound.append(packet)
        if self._source is not None:
            self.stream.append(replace(packet, facts=replace(packet.facts, track=self._track)))

    @property
    def has_ended(self) -> bool:
        """Whether the camera sends no packets: unsupported, pictures are processed, or it is offline."""
        return self.stream.first_mono_s is None or self.is_drained

    @property
    def key_distance_s(self) -> float:
        """See `PacketSource`."""
        return max(self._distance_s, self.stream.last_mono_s - self._key_s)

    def reaches(self, mono_s: float) -> bool:
        """Return whether decoding can begin at or before a time."""
        first = self.stream.first_mono_s
        return first is not None and first <= mono_s

    def forget(self) -> None:
        """Drop and overwrite all packets."""
        self._keys.clear()
        self._source = None
        self.stream.clear()
        self.sound.clear()

    def _evict(self, until_s: float) -> None:
        """Drop whole groups of pictures that end before a time."""
        while len(self._keys) > 1 and self._keys[1] <= until_s:
            self._keys.popleft()
            self.stream.drop_before(self._keys[0])


class CameraFirst:
    """Implements `PacketSupply`: the camera's own packets if they are available and suit, else encoded ones."""

    def __init__(
        self,
        camera: CameraPackets,
        encoded: PacketSupply,
        choice: Callable[[], PreRoll],
        key_distance_s: float = FILM_KEY_DISTANCE_S,
    ) -> None:
        """Choose among two supplies.

        Args:
            camera: The camera's packets.
            encoded: Encodes the pictures of the ring.
            choice: Returns `recording.pre_roll`.
            key_distance_s: Packets whose key frames are further apart do not suit.
        """
        self._camera, self._encoded, self._choice = camera, encoded, choice
        self._key_distance_s = key_distance_s

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0) -> PacketSource:
        """See `PacketSupply`. A lower frame rate always needs an encoder."""
        if not spacing_s and self._suits():
            return self._camera
        return self._encoded.acquire(from_mono_s, spacing_s)

    @property
    def encoder(self) -> EncoderKind:
        """The present source of video packets."""
        if not self._suits():
            return "software"
        return "board" if self._camera.is_made else "camera"

    def share(self, from_mono_s: float) -> PacketSource | None:
        """See `PacketSupply`."""
        if self._suits() and self._camera.reaches(from_mono_s):
            return self._camera
        return self._encoded.share(from_mono_s)

    def _suits(self) -> bool:
        """Return whether films or live video can be made of the camera's packets at present."""
        camera = self._camera
        return self._choice() != "pictures" and not camera.has_ended and camera.key_distance_s <= self._key_distance_s

    def release(self, source: PacketSource) -> None:
        """See `PacketSupply`."""
        if source is not self._camera:
            self._encoded.release(source)
