"""Segmentation of packets."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.imaging.packet import Track, pts_of
from pi_cam_node.recording.hls import segmenter
from pi_cam_node.recording.hls.segmenter import KEPT, Segment, Segmenter
from pi_cam_node.recording.mp4.parse import read_fragmented
from tests.support.h264 import PPS, SPS, access_unit, number_of

T0 = datetime(2026, 11, 29, tzinfo=UTC)
OTHER_SPS = SPS[:-1] + b"\x01"


def utc(mono_s: float) -> datetime:
    return T0 + timedelta(seconds=mono_s)


class Feed:
    """A camera of numbered access units."""

    def __init__(self, segment_s: float = 1.0, bytes_max: int = 1 << 20) -> None:
        self.cut = Segmenter(lambda: segment_s, bytes_max, utc)
        self.number = 0

    def __call__(
        self,
        first_s: float,
        last_s: float,
        interval_s: float = 0.1,
        size: tuple[int, int] = (640, 480),
        size_bytes: int = 200,
    ) -> None:
        """Append the packets of a time, a key frame each second."""
        step = 0
        while first_s + step * interval_s < last_s - 1e-6:
            mono_s = first_s + step * interval_s
            self.one(mono_s, key=step % max(1, round(1 / interval_s)) == 0, size=size, size_bytes=size_bytes)
            step += 1

    def one(
        self, mono_s: float, *, key: bool, lost: bool = False, size: tuple[int, int] = (640, 480), data: bytes = b"",
        size_bytes: int = 200, is_copied: bool = False,
    ) -> None:  # fmt: skip
        data = data or access_unit(self.number, key=key, size_bytes=size_bytes)
        self.cut.add(mono_s, pts_of(mono_s), data, Track(size, is_copied=is_copied), key=key, lost=lost)
        self.number += 1

    @property
    def segments(self) -> list[Segment]:
        return list(self.cut.segments)


def samples_of(feed: Feed, segment: Segment) -> list[tuple[int, int, int, bool]]:
    """Return number, time in ticks, duration in ticks and key of each sample of a segment."""
    header = feed.cut.header(segment.track)
    assert header is not None
    data = header.data + segment.data
    samples = read_fragmented(io.BytesIO(data)).samples
    return [
        (number_of(data[one.position : one.position + one.size_bytes]), one.ticks, one.duration, one.key)
        for one in samples
    ]


def test_a_segment_is_closed_by_the_key_frame_after_it() -> None:
    feed = Feed()
    feed(10.0, 12.0)
    assert len(feed.segments) == 1
    feed.one(12.0, key=True)
    assert [(one.number, one.track, one.seconds) for one in feed.segments] == [(0, 1, 1.0), (1, 1, 1.0)]
    assert [one.at for one in feed.segments] == [utc(10.0), utc(11.0)]


def test_every_packet_is_in_one_segment_with_its_time_and_duration() -> None:
    feed = Feed()
    feed(10.0, 13.0)
    feed.one(13.0, key=True)
    numbers = []
    for index, segment in enumerate(feed.segments):
        samples = samples_of(feed, segment)
        assert samples[0][1] == pts_of(10.0 + index)
        assert [duration for _, _, duration, _ in samples] == [9000] * 10
        assert [key for _, _, _, key in samples] == [True] + [False] * 9
        numbers += [number for number, *_ in samples]
    assert numbers == list(range(30))


def test_a_segment_lasts_as_long_as_the_setting_says_at_least() -> None:
    feed = Feed(segment_s=2.0)
    feed(10.0, 14.0)
    feed.one(14.0, key=True)
    assert [one.seconds for one in feed.segments] == [2.0, 2.0]


def test_a_key_frame_that_comes_a_little_early_ends_a_segment_all_the_same() -> None:
    feed = Feed()
    for start_s in (10.0, 10.98, 11.97):
        feed.one(start_s, key=True)
    assert [round(one.seconds, 2) for one in feed.segments] == [0.98, 0.99]


def test_nothing_begins_before_a_key_frame_with_its_parameter_sets() -> None:
    feed = Feed()
    feed.one(9.8, key=False)
    feed.one(9.9, key=True, data=b"\x00\x00\x00\x01\x65without sets")
    feed(10.0, 11.0)
    feed.one(11.0, key=True)
    assert [number for number, *_ in samples_of(feed, feed.segments[0])] == list(range(2, 12))


def test_other_parameter_sets_begin_a_track_with_a_header_of_its_own() -> None:
    feed = Feed()
    feed(10.0, 11.0)
    feed.one(11.0, key=True, data=access_unit(99, key=True).replace(SPS, OTHER_SPS))
    feed.one(12.0, key=True, data=access_unit(99, key=True).replace(SPS, OTHER_SPS))
    assert [(one.track, one.begins_track, one.discontinuities) for one in feed.segments] == [
        (1, False, 0),
        (2, True, 1),
    ]
    first, second = feed.cut.header(1), feed.cut.header(2)
    assert first is not None
    assert second is not None
    assert SPS in first.data
    assert PPS in first.data
    assert OTHER_SPS in second.data
    assert (first.size, first.codec) == ((640, 480), "avc1.42c016")


def test_the_colours_of_a_camera_that_encodes_by_itself_are_what_its_own_parameter_sets_say() -> None:
    feed = Feed()
    feed(10.0, 11.0)
    feed.one(11.0, key=True, is_copied=True)
    feed.one(12.0, key=True, is_copied=True)
    ours, theirs = feed.cut.header(1), feed.cut.header(2)
    assert ours is not None
    assert theirs is not None
    assert b"colrnclx" in ours.data
    assert b"colrnclx" not in theirs.data


def test_another_size_begins_a_track() -> None:
    feed = Feed()
    feed(10.0, 11.0)
    feed.one(11.0, key=True, size=(320, 240))
    feed.one(12.0, key=True, size=(320, 240))
    assert [one.track for one in feed.segments] == [1, 2]


def test_packets_that_were_lost_begin_a_track_at_the_next_key_frame() -> None:
    feed = Feed()
    feed(10.0, 10.5)
    feed.one(10.9, key=False, lost=True)
    feed(11.0, 12.0)
    feed.one(12.0, key=True)
    assert [(one.track, round(one.seconds, 3)) for one in feed.segments] == [(1, 0.5), (2, 1.0)]
    assert [number for number, *_ in samples_of(feed, feed.segments[1])] == list(range(6, 16))


def test_a_long_pause_is_no_long_segment() -> None:
    feed = Feed()
    feed(10.0, 10.5)
    feed(300.0, 301.0)
    feed.one(301.0, key=True)
    assert [(one.track, round(one.seconds, 3)) for one in feed.segments] == [(1, 0.5), (2, 1.0)]


def test_the_pictures_of_the_night_are_a_segment_each() -> None:
    feed = Feed()
    feed(10.0, 20.0, interval_s=2.0)
    assert [one.seconds for one in feed.segments] == [2.0, 2.0, 2.0, 2.0]
    assert {one.track for one in feed.segments} == {1}


def test_exposures_of_a_minute_are_no_gaps_once_they_follow_each_other() -> None:
    feed = Feed()
    feed(10.0, 12.0)
    feed(72.0, 400.0, interval_s=60.0)
    assert [(one.track, round(one.seconds)) for one in feed.segments] == [(1, 1), (1, 1), *[(2, 60)] * 5]


def test_only_the_newest_segments_are_kept_and_the_headers_that_they_need() -> None:
    feed = Feed()
    feed(10.0, 12.0)
    feed.one(12.0, key=True, size=(320, 240))
    feed(13.0, 13.0 + KEPT + 2, size=(320, 240))
    assert len(feed.segments) == KEPT
    assert feed.cut.header(1) is None
    assert feed.cut.header(2) is not None


def test_the_bytes_of_all_segments_are_bounded() -> None:
    feed = Feed(bytes_max=50_000)
    feed(10.0, 16.0, size_bytes=1000)
    assert 2 <= len(feed.segments) <= 4
    assert sum(len(one.data) for one in feed.segments) <= 50_000
    assert feed.segments[-1].number == 4


def test_a_segment_without_end_is_cut_where_it_has_too_many_bytes(mocker: MockerFixture) -> None:
    mocker.patch.object(segmenter, "_SEGMENT_BYTES_MAX", 5_000)
    feed = Feed()
    feed.one(10.0, key=True)
    for step in range(1, 60):
        feed.one(10.0 + step / 10, key=False, size_bytes=200)
    assert len(feed.segments) >= 2
    assert [one.is_independent for one in feed.segments[:2]] == [True, False]
    assert {one.track for one in feed.segments} == {1}


def test_numbers_and_tracks_go_on_after_everything_was_forgotten() -> None:
    feed = Feed()
    feed(10.0, 12.0)
    feed.cut.clear()
    assert feed.segments == []
    assert feed.cut.header(1) is None
    feed(20.0, 21.0)
    feed.one(21.0, key=True)
    assert [(one.number, one.track, one.begins_track) for one in feed.segments] == [(1, 2, True)]


AAC = bytes.fromhex("1408")  # LC, 16 kHz, mono
FRAME_S = 1024 / 16_000


def heard(feed: Feed, first_s: float, last_s: float, sound: bytes = AAC) -> None:
    """Append pictures at ten a second, each with the frames of sound that began before it."""
    frames = [k * FRAME_S for k in range(int(last_s / FRAME_S) + 1) if first_s <= k * FRAME_S < last_s]
    for step in range(round((last_s - first_s) * 10)):
        mono_s = first_s + step / 10
        data = access_unit(feed.number, key=step % 10 == 0)
        track = Track((640, 480))
        feed.cut.add(mono_s, pts_of(mono_s), data, track, key=step % 10 == 0, lost=False, sound=sound)
        feed.number += 1
        while frames and frames[0] <= mono_s:
            feed.cut.add_sound(f"{frames[0]:.3f}".encode(), pts_of(frames.pop(0)), AAC)


def sound_of(feed: Feed) -> tuple[list[bytes], list[int], int]:
    """Return frames and durations of the sound in the segments of a track, and the first sample."""
    header = feed.cut.header(feed.segments[-1].track)
    assert header is not None
    data = header.data + b"".join(segment.data for segment in feed.segments if segment.track == feed.segments[-1].track)
    content = read_fragmented(io.BytesIO(data))
    frames = [data[each.position : each.position + each.size_bytes] for each in content.sound]
    return frames, [each.duration for each in content.sound], content.sound[0].ticks


def test_sound_of_another_format_than_the_track_says_is_left_out() -> None:
    feed = Feed()
    heard(feed, 100.0, 100.5)
    feed.cut.add_sound(b"of a camera before", pts_of(100.46), AAC + b"\0")
    heard(feed, 100.5, 102.2)
    frames, _, _ = sound_of(feed)
    assert frames
    assert b"of a camera before" not in frames


def test_sound_goes_along_with_the_pictures_without_a_hole_between_segments() -> None:
    feed = Feed()
    heard(feed, 100.0, 104.2)
    header = feed.cut.header(1)
    assert header is not None
    assert header.codec.endswith(",mp4a.40.2")
    frames, durations, starts = sound_of(feed)
    assert len(feed.segments) == 4
    assert set(durations) == {1024}
    assert len(frames) == pytest.approx(4 / FRAME_S, abs=3)
    assert frames == sorted(frames)
    assert starts / 16_000 == pytest.approx(float(frames[0]), abs=0.001)


def test_sound_that_begins_or_ceases_begins_another_track() -> None:
    feed = Feed()
    heard(feed, 100.0, 102.0, sound=b"")
    heard(feed, 102.0, 104.0)
    heard(feed, 104.0, 106.0, sound=b"")
    feed.cut.end_track()
    assert [segment.track for segment in feed.segments] == [1, 1, 2, 2, 3, 3]
    headers = [feed.cut.header(track) for track in (1, 2, 3)]
    assert [header is not None and "mp4a" in header.codec for header in headers] == [False, True, False]
