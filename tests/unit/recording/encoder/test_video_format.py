"""Formats requested of an encoder."""

from __future__ import annotations

import pytest

from pi_cam_node.recording.encoder.video_format import VideoFormat, crf_of, format_of, level_of


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((1280, 720), (426, 240)),
        ((1024, 768), (320, 240)),
        ((768, 1024), (180, 240)),
        ((320, 200), (320, 200)),
        ((4056, 3040), (320, 240)),
    ],
)
def test_a_picture_is_scaled_down_to_fit_and_keeps_its_proportions(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert VideoFormat(limit=(426, 240)).size_of(size) == shown


def test_without_a_limit_only_odd_sides_lose_a_pixel() -> None:
    assert VideoFormat().size_of((641, 481)) == (640, 480)


@pytest.mark.parametrize(
    ("size", "level"),
    # 640 x 560 is small enough for level 3, but not at this rate.
    [((320, 240), 30), ((640, 560), 31), ((1024, 768), 31), ((1280, 720), 31), ((1920, 1080), 40), ((3840, 2160), 51)],
)
def test_the_level_suffices_at_30_hz(size: tuple[int, int], level: int) -> None:
    assert level_of(size) == level


def test_the_codec_is_known_before_anything_is_encoded() -> None:
    assert VideoFormat().codec_of((1024, 768)) == "avc1.42c01f"
    assert VideoFormat(limit=(426, 240), bitrate=500_000).codec_of((1280, 720)) == "avc1.4d401e"


def test_a_format_goes_by_the_command_line_of_the_process() -> None:
    wanted = VideoFormat(70, (426, 240), 500_000, 12.5)
    assert format_of(wanted.arguments()) == wanted


def test_a_bounded_rate_is_one_for_every_second() -> None:
    options = VideoFormat(bitrate=500_000).options_of((320, 240))
    assert (options["b"], options["maxrate"], options["bufsize"]) == ("500000", "500000", "500000")
    assert "crf" not in options


def test_quality_60_is_crf_23_and_more_is_better() -> None:
    assert crf_of(60) == 23
    assert crf_of(100) < crf_of(60) < crf_of(1)
