"""The ring of packets: its tracks, and packets that come twice."""

from __future__ import annotations

from pi_cam_node.imaging.packet import Packet, PacketFacts, Track, pts_of
from pi_cam_node.recording.packet_stream import PacketStream


def test_tracks_are_bounded_and_the_newest_stays() -> None:
    """A camera that changes its size again and again begins another with each change."""
    stream = PacketStream()
    numbers = [stream.begin(Track((64, 48))) for _ in range(1000)]
    known = [number for number in numbers if stream.track(number) is not None]
    assert known == numbers[-8:]


def test_a_packet_that_comes_again_is_left_out() -> None:
    stream = PacketStream()
    track = stream.begin(Track((64, 48)))
    for mono_s in (1.0, 2.0, 2.0, 1.5, 3.0):
        stream.append(Packet(mono_s, True, b"picture", PacketFacts(pts_of(mono_s), track=track)))
    assert stream.key_times() == [1.0, 2.0, 3.0]
