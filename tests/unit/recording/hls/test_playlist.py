"""Text of playlists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pi_cam_node.recording.hls.playlist import VariantLine, master_playlist, media_playlist, target_duration_s
from pi_cam_node.recording.hls.segmenter import LISTED, Segment

T0 = datetime(2026, 11, 29, 7, 30, 43, 199_000, tzinfo=UTC)


def segment(number: int, *, track: int = 1, seconds: float = 1.0, begins: bool = False, key: bool = True) -> Segment:
    at = T0 + timedelta(seconds=number)
    return Segment(number, track, at, seconds, track - 1, begins, key, b"")


def test_a_media_playlist_names_header_times_and_segments() -> None:
    assert media_playlist([segment(4), segment(5, seconds=1.04)], 1, "main-3f2a91c0", str).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:1",
        "#EXT-X-MEDIA-SEQUENCE:4",
        "#EXT-X-DISCONTINUITY-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="main-3f2a91c0-1.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-29T07:30:47.199Z",
        "#EXTINF:1.00000,",
        "main-3f2a91c0-4.m4s",
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-29T07:30:48.199Z",
        "#EXTINF:1.04000,",
        "main-3f2a91c0-5.m4s",
    ]


def test_only_the_newest_segments_are_listed() -> None:
    text = media_playlist([segment(number) for number in range(9)], 1, "main", str)
    assert text.count("#EXTINF") == LISTED
    assert "#EXT-X-MEDIA-SEQUENCE:3" in text


def test_a_new_track_is_a_discontinuity_with_a_map_of_its_own() -> None:
    text = media_playlist([segment(0), segment(1, track=2, begins=True), segment(2, track=2)], 1, "main", str)
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert text.index("#EXT-X-DISCONTINUITY\n") < text.index("main-2.mp4") < text.index("main-1.m4s")
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:0" in text


def test_discontinuities_that_left_the_playlist_are_counted() -> None:
    is_listed = media_playlist([segment(1, track=2, begins=True), segment(2, track=2)], 1, "main", str)
    has_left = media_playlist([segment(2, track=2)], 1, "main", str)
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:0" in is_listed
    assert "#EXT-X-DISCONTINUITY\n" in is_listed
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1" in has_left
    assert "#EXT-X-DISCONTINUITY\n" not in has_left
    assert 'URI="main-2.mp4"' in has_left


def test_segments_are_called_independent_only_where_all_are() -> None:
    assert "INDEPENDENT" not in media_playlist([segment(0), segment(1, key=False)], 1, "main", str)


def test_every_uri_is_what_the_caller_makes_of_it() -> None:
    text = media_playlist([segment(0)], 1, "main", lambda name: f"{name}?signature=x")
    assert 'URI="main-1.mp4?signature=x"' in text
    assert "\nmain-0.m4s?signature=x\n" in text


def test_the_master_playlist_says_what_a_player_chooses_by() -> None:
    lines = [
        VariantLine("main", 3_300_000, (1024, 768), "avc1.42c01f", 10),
        VariantLine("remote", 600_000, (320, 240), "avc1.4d401e", 10),
    ]
    assert master_playlist(lines, str).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        '#EXT-X-STREAM-INF:BANDWIDTH=3300000,RESOLUTION=1024x768,CODECS="avc1.42c01f",FRAME-RATE=10.000',
        "main.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=600000,RESOLUTION=320x240,CODECS="avc1.4d401e",FRAME-RATE=10.000',
        "remote.m3u8",
    ]


def test_the_target_duration_is_that_of_the_longest_segment_rounded_and_never_falls() -> None:
    assert target_duration_s([segment(0, seconds=1.08)], 1) == 1
    assert target_duration_s([segment(0, seconds=1.5)], 1) == 2
    assert target_duration_s([segment(0, seconds=2.0)], 1) == 2
    assert target_duration_s([segment(0)], 2) == 2
