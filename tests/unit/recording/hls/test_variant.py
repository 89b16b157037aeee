"""A variant of the live video: start and end of encoding."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pi_cam_node.base.errors import CameraDown, PrivacyOn
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.imaging.packet import Packet, PacketFacts, Track, pts_of
from pi_cam_node.recording.encoder_pool import PacketSource
from pi_cam_node.recording.hls.variant import IDLE_S, Variant
from pi_cam_node.recording.packet_stream import PacketStream
from tests.support.fakes.clock import FakeClock, run_due
from tests.support.h264 import access_unit


@dataclass(eq=False)
class FakeSource:
    stream: PacketStream = field(default_factory=PacketStream)
    failure: str = ""
    is_drained: bool = True
    has_ended: bool = False
    key_distance_s: float = 1.0


class Camera:
    """Pictures at 10 Hz in a ring, and an encoder that makes packets of them when the test says so."""

    def __init__(self, interval_s: float = 0.1) -> None:
        self.clock, self.interval_s = FakeClock(), interval_s
        self.asked: list[float] = []
        self.sources: list[FakeSource] = []
        self.released: list[PacketSource] = []
        self.is_dark = self.is_refused = False
        self.key_interval_s, self.past_s = 1.0, 0.0
        self.variant = Variant(
            "main", self, self._newest, self.clock, segment_s=lambda: 1.0, bytes_max=1 << 20, check=self._check
        )

    def _newest(self) -> tuple[float, float, bytes] | None:
        return None if self.is_dark else (self.clock.monotonic(), self.interval_s, b"")

    def _check(self) -> None:
        if self.is_refused:
            raise PrivacyOn("ERROR: privacy is on")

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0) -> FakeSource:
        assert spacing_s == 0
        self.asked.append(from_mono_s)
        self.sources.append(FakeSource())
        self.track = self.sources[-1].stream.begin(Track((640, 480)))
        self.first_s = self.clock.monotonic() - self.past_s if self.past_s else from_mono_s
        self.last_s = self.first_s - self.interval_s
        if self.past_s:
            self.encode()
        return self.sources[-1]

    def share(self, from_mono_s: float) -> None:
        raise AssertionError("a viewer starts the encode where there is none")

    def release(self, source: PacketSource) -> None:
        self.released.append(source)

    def encode(self, until_s: float | None = None) -> None:
        """Make packets of all pictures up to a time, by default now."""
        until_s = self.clock.monotonic() if until_s is None else until_s
        step = round((self.last_s - self.first_s) / self.interval_s) + 1
        while self.first_s + step * self.interval_s <= until_s + 1e-6:
            mono_s = self.first_s + step * self.interval_s
            key = step % max(1, round(self.key_interval_s / self.interval_s)) == 0
            facts = PacketFacts(pts_of(mono_s), track=self.track)
            self.sources[-1].stream.append(Packet(mono_s, key, access_unit(step, key=key), facts))
            self.last_s = mono_s
            step += 1

    def playlist(self) -> str | None:
        return self.variant.playlist("main-3f2a91c0", str)


def test_nothing_is_encoded_before_somebody_asks() -> None:
    camera = Camera()
    assert camera.variant.due_s == NEVER_S
    assert camera.variant.segment(0) is None
    assert camera.asked == []


def test_the_first_playlist_is_of_the_past_and_ends_now() -> None:
    camera = Camera()
    assert camera.playlist() is None
    assert camera.asked == [camera.clock.monotonic() - 3.0]
    camera.encode()
    text = camera.playlist()
    assert text is not None
    assert text.count("#EXTINF:1.00000") == 3
    assert "#EXT-X-PROGRAM-DATE-TIME:2026-11-20T19:44:57.000Z" in text
    assert len(camera.asked) == 1


def test_a_request_is_prompt_between_two_of_a_viewer_and_not_where_the_encode_starts_or_much_has_come() -> None:
    camera = Camera()
    assert not camera.variant.is_prompt
    camera.playlist()
    assert camera.variant.is_prompt
    with camera.variant._lock:
        assert not camera.variant.is_prompt
    camera.clock.advance(2.0)
    assert not camera.variant.is_prompt
    camera.playlist()
    assert camera.variant.is_prompt
    camera.variant.end()
    assert not camera.variant.is_prompt


def test_at_night_the_first_playlist_begins_as_many_exposures_ago() -> None:
    camera = Camera(interval_s=2.0)
    camera.playlist()
    assert camera.asked == [camera.clock.monotonic() - 6.0]
    camera.encode()
    text = camera.playlist()
    assert text is not None
    assert text.count("#EXTINF:2.00000") == 3
    assert "#EXT-X-TARGETDURATION:2" in text


def test_packets_that_are_there_already_begin_where_three_segments_are_whole() -> None:
    """A camera's own packets have a key frame every four seconds here, the last one two seconds ago."""
    camera = Camera()
    camera.key_interval_s, camera.past_s = 4.0, 30.0
    text = camera.playlist()
    assert text is not None
    assert text.count("#EXTINF:4.00000") == 3
    assert "#EXT-X-PROGRAM-DATE-TIME:2026-11-20T19:44:46.000Z" in text


def test_the_first_playlist_waits_until_the_encoder_has_caught_up() -> None:
    camera = Camera()
    camera.playlist()
    camera.clock.advance(2.0)
    camera.encode(camera.clock.monotonic() - 1.5)
    assert camera.playlist() is None
    camera.encode()
    text = camera.playlist()
    assert text is not None
    assert text.count("#EXTINF") == 5


def test_an_encoder_that_never_catches_up_is_waited_for_a_while() -> None:
    camera = Camera()
    camera.playlist()
    camera.clock.advance(2.0)
    camera.encode(camera.clock.monotonic() - 1.5)
    assert camera.playlist() is None
    camera.clock.advance(3.0)
    assert camera.playlist() is not None


def test_the_playlist_goes_on_with_the_packets() -> None:
    camera = Camera()
    camera.playlist()
    camera.encode()
    camera.playlist()
    for _ in range(5):
        camera.clock.advance(1.0)
        camera.encode()
        text = camera.playlist()
    assert text is not None
    assert "#EXT-X-MEDIA-SEQUENCE:2" in text
    assert text.rstrip().endswith("main-3f2a91c0-7.m4s")
    segment = camera.variant.segment(7)
    assert segment is not None
    assert segment.data[4:8] == b"moof"
    assert camera.variant.header(1) is not None
    assert camera.variant.segment(8) is None


def test_it_ends_some_seconds_after_the_last_request_and_holds_nothing_then() -> None:
    camera = Camera()
    camera.playlist()
    camera.encode()
    camera.playlist()
    camera.clock.advance(IDLE_S - 1)
    assert not run_due(camera.variant, camera.clock)
    assert camera.variant.segment(0) is not None
    camera.clock.advance(IDLE_S - 1)
    assert not run_due(camera.variant, camera.clock)
    camera.clock.advance(1)
    assert run_due(camera.variant, camera.clock)
    assert camera.released == camera.sources
    assert camera.variant.segment(0) is None
    assert camera.variant.due_s == NEVER_S


def test_the_next_viewer_gets_other_numbers_and_another_header() -> None:
    camera = Camera()
    camera.playlist()
    camera.encode()
    camera.playlist()
    camera.variant.end()
    camera.clock.advance(60)
    camera.playlist()
    camera.encode()
    text = camera.playlist()
    assert text is not None
    assert "main-3f2a91c0-0.m4s" not in text
    assert "#EXT-X-MEDIA-SEQUENCE:3" in text
    assert 'URI="main-3f2a91c0-2.mp4"' in text


def test_packets_that_the_ring_dropped_are_a_discontinuity() -> None:
    camera = Camera()
    camera.playlist()
    camera.sources[-1].stream._ring.resize(1500)
    camera.encode(camera.clock.monotonic() - 2.5)
    camera.playlist()
    camera.clock.advance(5)
    camera.encode()
    camera.playlist()
    camera.sources[-1].stream._ring.resize(1 << 20)
    for _ in range(4):
        camera.clock.advance(1)
        camera.encode()
        text = camera.playlist()
    assert text is not None
    assert "#EXT-X-DISCONTINUITY\n" in text


def test_a_camera_whose_key_frames_become_rare_is_replaced() -> None:
    """With one key frame for all of a connection there was never a playlist."""
    camera = Camera()
    assert camera.playlist() is None
    camera.sources[-1].key_distance_s = 5.1
    camera.encode()
    assert camera.playlist() is None
    assert len(camera.sources) == 2
    assert camera.released == [camera.sources[0]]
    camera.encode()
    assert camera.playlist() is not None
    assert len(camera.sources) == 2


def test_a_source_that_has_ended_is_replaced() -> None:
    camera = Camera()
    camera.playlist()
    camera.encode()
    assert camera.playlist() is not None
    camera.sources[-1].has_ended = True
    assert camera.playlist() is None
    assert (len(camera.asked), camera.released) == (2, camera.sources[:1])
    camera.encode()
    text = camera.playlist()
    assert text is not None
    assert "#EXT-X-MEDIA-SEQUENCE:3" in text


def test_without_a_picture_there_is_no_playlist_and_no_encode() -> None:
    camera = Camera()
    camera.is_dark = True
    with pytest.raises(CameraDown):
        camera.playlist()
    assert camera.asked == []


def test_what_is_refused_is_not_encoded_although_it_runs() -> None:
    camera = Camera()
    camera.playlist()
    camera.encode()
    camera.is_refused = True
    with pytest.raises(PrivacyOn):
        camera.playlist()
    camera.variant.end()
    with pytest.raises(PrivacyOn):
        camera.playlist()
    assert len(camera.asked) == 1


def test_sound_among_the_packets_is_passed_over() -> None:
    camera = Camera()
    camera.clock.advance(10)
    camera.playlist()
    camera.encode()
    stream = camera.sources[-1].stream
    sound = PacketFacts(pts_of(stream.last_mono_s), track=camera.track, sound=b"\x14\x08")
    stream.append(Packet(stream.last_mono_s, False, b"\0\0\0\1sound", sound))
    camera.clock.advance(2)
    camera.encode()
    playlist = camera.playlist()
    assert playlist is not None
    assert "#EXT-X-DISCONTINUITY\n" not in playlist
    segments = [camera.variant.segment(number) for number in range(10)]
    assert not any(b"sound" in one.data for one in segments if one is not None)
    assert len([one for one in segments if one is not None]) == 5
