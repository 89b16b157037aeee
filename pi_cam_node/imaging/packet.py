"""Encoded video, exchanged between encoder, ring, file and live view: packets and the track that they belong to.

A ring of packets is a `BlockRing` whose records are keys where the packets are, so that it drops whole groups of
pictures and `BlockRing.key_before` finds where decoding can begin::

    ring: BlockRing[PacketFacts] = BlockRing(8 << 20)
    ring.append(packet.mono_s, packet.data, packet.facts, key=packet.key)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Literal

from pi_cam_node.base.frozen import frozen

TIMESCALE_HZ = 90_000
"""Ticks per second of pictures, as MPEG counts: in packets, films and segments. Sound in films has its sample rate."""


SoundChoice = Literal["off", "copy", "aac"]
"""Sound of a camera: none; copied where it is AAC; or AAC that is made of any other codec as well."""


@frozen
class Track:
    """Packets of one size and origin, in H.264; each key frame carries its parameter sets.

    Attributes:
        size: Width and height in pixels.
        is_copied: The packets are the camera's own, and not made of the node's pictures.
    """

    size: tuple[int, int]
    is_copied: bool = False


@frozen
class PacketFacts:
    """Metadata kept beside the bytes of a packet.

    Attributes:
        pts: Presentation time in ticks of `TIMESCALE_HZ`, made from the monotonic clock.
        track: Number of the track in its source; another one means that decoding begins anew.
        sound: AudioSpecificConfig of a packet of sound; empty for pictures.
        is_made: The board's encoder made it of the node's finished picture; it is not the camera's own.
        after_loss: Packets before it are missing: they were damaged, depended on such, or found no room.
    """

    pts: int
    track: int = 0
    sound: bytes = b""
    is_made: bool = False
    after_loss: bool = False


@frozen
class Packet:
    """One encoded picture, or one frame of sound.

    Attributes:
        mono_s: Monotonic time at which its exposure had ended, in seconds; of sound: at which it began.
        key: Decoding can begin here; never of sound, which goes with the pictures before it.
        data: Its bytes; H.264 in Annex B form, AAC without a header.
        facts: Time stamps and track.
    """

    mono_s: float
    key: bool
    data: bytes = field(repr=False)
    facts: PacketFacts


def pts_of(mono_s: float) -> int:
    """Return a monotonic time in seconds as ticks of `TIMESCALE_HZ`."""
    return round(mono_s * TIMESCALE_HZ)


TakePackets = Callable[[int, tuple[int, int], Sequence[Packet]], None]
"""Takes packets of the camera as they come: number of the camera's session, width and height in pixels, packets in
order. The numbers of tracks begin anew with each session. Thread: the camera's."""


def no_packets(_session: int, _size: tuple[int, int], _packets: Sequence[Packet]) -> None:
    """Take no packets; see `TakePackets`."""
