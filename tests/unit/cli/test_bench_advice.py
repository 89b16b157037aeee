"""Advice of `bench` from given measurements."""

from __future__ import annotations

import json

import pytest
import yaml

from pi_cam_node.base.units import MIB
from pi_cam_node.cli.bench import report
from pi_cam_node.cli.bench.advice import (
    FRAMES_SHARE,
    VIEWERS_MAX,
    VIEWERS_SHARE,
    Board,
    FrameCost,
    ViewerCost,
    advise,
    affordable_hz,
    held_hz,
    ring_bytes,
    viewers_held,
)
from pi_cam_node.config import Config

CONFIG = Config()
DESK = Board("Linux", 8, 8192 * MIB)
ZERO = Board("Raspberry Pi Zero 2 W", 4, 250 * MIB)
VIEWER = ViewerCost(100.0, 100_000)


def cost(width: int, height: int, encode_ms: float) -> FrameCost:
    return FrameCost((width, height), 1.0, encode_ms + 1, 0.1, encode_ms, width * height // 4)


def costs(ms_per_megapixel: float) -> list[FrameCost]:
    sizes = ((640, 480), (1024, 768), (1920, 1080))
    return [cost(w, h, ms_per_megapixel * w * h / 1e6) for w, h in sizes]


def test_a_board_that_can_afford_what_is_configured_is_told_to_keep_it() -> None:
    advice = advise(DESK, costs(2), VIEWER, CONFIG)
    assert advice.size == (1024, 768)
    assert advice.framerate == CONFIG.camera.framerate
    assert advice.frames_share < FRAMES_SHARE


def test_size_gives_way_before_rate() -> None:
    advice = advise(ZERO, costs(80), VIEWER, CONFIG)
    assert advice.size == (640, 480)
    assert advice.framerate == CONFIG.camera.framerate


def test_where_even_the_smallest_size_is_too_dear_the_rate_gives_way() -> None:
    advice = advise(ZERO, costs(400), VIEWER, CONFIG)
    assert advice.size == (640, 480)
    assert 0.5 <= advice.framerate < CONFIG.camera.framerate
    assert advice.frames_share <= FRAMES_SHARE


def test_nothing_larger_than_what_is_wanted_is_suggested() -> None:
    small = Config.model_validate({"camera": {"width": 640, "height": 480}})
    assert advise(DESK, costs(1), VIEWER, small).size == (640, 480)


def test_a_camera_with_a_size_of_its_own_keeps_it() -> None:
    assert advise(DESK, [cost(2560, 1440, 4)], VIEWER, CONFIG).size == (2560, 1440)


@pytest.mark.parametrize(("cores", "rate"), [(1, 0.8 * 1000 / 30), (4, 0.8 * 1000 / 20)])
def test_camera_and_node_share_the_only_core_or_have_one_each(cores: int, rate: float) -> None:
    assert held_hz(FrameCost((640, 480), 10, 20, 1, 15, 1), cores) == pytest.approx(rate)


def test_what_is_advised_is_never_more_than_what_is_kept_up_with() -> None:
    for ms in (0.1, 1, 10, 100):
        one = FrameCost((640, 480), ms, ms, 0, ms, 1)
        assert affordable_hz(one, 4) <= held_hz(one, 4)


def test_the_ring_takes_what_the_budget_leaves() -> None:
    advice = advise(ZERO, costs(20), VIEWER, CONFIG)
    assert advice.ring_bytes == ring_bytes((1024, 768), ZERO.available_bytes) < ZERO.available_bytes / 2
    assert advice.ring_frames * costs(20)[1].jpeg_bytes <= advice.ring_bytes
    assert advice.ring_seconds == pytest.approx(advice.ring_frames / advice.framerate)


def test_viewers_take_their_share_and_there_is_always_one() -> None:
    assert viewers_held(VIEWER, 100_000, 25) == VIEWERS_SHARE * 1e6 / (100 * 25)
    assert viewers_held(VIEWER, 200_000, 25) == 50
    assert viewers_held(ViewerCost(1e6, 100_000), 100_000, 10) == 1
    assert viewers_held(ViewerCost(0.5, 100_000), 100_000, 1) == VIEWERS_MAX


def test_a_viewer_whose_cost_was_too_small_to_measure_is_no_division_by_zero() -> None:
    assert viewers_held(ViewerCost(0.0, 100_000), 100_000, 10) == VIEWERS_MAX


def found(title: str = "synthetic") -> report.BenchResult:
    return report.BenchResult(ZERO, title, costs(80), VIEWER, advise(ZERO, costs(80), VIEWER, CONFIG), 10.0)


def test_the_suggestion_is_a_configuration_that_loads() -> None:
    config = Config.model_validate(yaml.safe_load("\n".join(report.settings(found().advice))))
    assert (config.camera.width, config.camera.height) == found().advice.size
    assert config.ring.size == found().advice.ring_frames
    assert config.http.max_viewers == found().advice.viewers


def test_the_report_tells_every_size_and_says_what_the_synthetic_camera_is_worth() -> None:
    text = "\n".join(report.lines(found()))
    assert all(f"{w} x {h}" in text for w, h in ((640, 480), (1024, 768), (1920, 1080)))
    assert "Raspberry Pi Zero 2 W, 4 cores, 250 MiB free" in text
    assert report.SYNTHETIC in text
    assert report.SYNTHETIC not in "\n".join(report.lines(found("imx219")))


def test_the_same_is_there_for_programs() -> None:
    told = json.loads(json.dumps(report.as_json(found())))
    assert told["advice"]["framerate"] == 10
    assert [size["size"] for size in told["costs"]] == [[640, 480], [1024, 768], [1920, 1080]]
    assert all(size["held_hz"] >= size["affordable_hz"] > 0 for size in told["costs"])
