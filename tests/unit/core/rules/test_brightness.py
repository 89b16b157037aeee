"""Which brightness values are published: beyond the noise, and rate-limited."""

from __future__ import annotations

import itertools
import random

from pi_cam_node.config.sections.telemetry import TelemetryConfig
from pi_cam_node.core.rules.brightness import NOISE_FACTOR, SETTLED_S, BrightnessRule

LIMITS = TelemetryConfig()


def told(rule: BrightnessRule, levels: list[float], *, start_s: float = 0.0, fps: float = 10.0) -> list[float]:
    """Return the times at which a value is published, with one value per frame."""
    times = [start_s + number / fps for number in range(len(levels))]
    return [now_s for now_s, level in zip(times, levels, strict=True) if rule.is_news(level, None, now_s, LIMITS)]


def street(seconds: int, seed: int = 1) -> list[float]:
    """Return the brightness of a street at 10 Hz: a car of 15 levels for two seconds, every six on average."""
    chance, level, levels = random.Random(seed), 0.0, []
    for _ in range(seconds * 10):
        level = 15.0 if chance.random() < 1 / 60 else level * 0.9
        levels.append(110 + level + chance.gauss(0, 0.3))
    return levels


def test_the_first_value_is_told_and_a_still_scene_says_nothing_more() -> None:
    assert told(BrightnessRule(), [100.0, 100.5, 101.5] * 100) == [0.0]


def test_the_next_value_is_told_when_the_least_time_is_over() -> None:
    interval_s, rule = LIMITS.brightness_min_interval_s, BrightnessRule()
    assert rule.is_news(100.0, None, 0.0, LIMITS)
    assert not rule.is_news(200.0, None, interval_s - 0.001, LIMITS)
    assert rule.is_news(200.0, None, interval_s, LIMITS)


def test_a_street_is_told_some_times_and_not_with_each_car() -> None:
    rule = BrightnessRule()
    told(rule, street(180))
    assert len(told(rule, street(600, seed=2), start_s=180)) <= 10


def test_a_lamp_is_told_at_once_on_a_street_too() -> None:
    rule = BrightnessRule()
    told(rule, street(180))
    assert told(rule, [200.0] * 5, start_s=180)[:1] == [180.0]


def test_a_lamp_that_takes_some_frames_is_told_as_bright_as_it_becomes() -> None:
    rule = BrightnessRule()
    told(rule, [60.0] * 600)
    ramp = [60.0 + min(number, 30) * 4 for number in range(60)]
    times = told(rule, ramp, start_s=60)
    assert times[0] < 60.5
    assert ramp[round((times[-1] - 60) * 10)] == 180.0


def test_a_value_told_within_a_car_is_put_right_when_the_scene_has_settled() -> None:
    times = told(BrightnessRule(), [110.0] * 100 + [130.0] * 70 + [110.0] * 900)
    assert len(times) == 3
    assert times[:2] == [0.0, 10.0]
    assert times[2] >= 10 + SETTLED_S


def test_the_end_of_a_lamp_is_told_at_once_too() -> None:
    for lit_s in (20, 60, 240):
        rule = BrightnessRule()
        told(rule, [60.0] * 600)
        assert told(rule, [180.0] * lit_s * 10, start_s=60)[0] == 60.0
        assert told(rule, [60.0] * 300, start_s=60 + lit_s)[:1] == [60.0 + lit_s]


def test_the_end_of_a_lamp_is_told_at_once_on_a_street_too() -> None:
    rule = BrightnessRule()
    told(rule, street(180))
    told(rule, [level + 80 for level in street(60, seed=2)], start_s=180)
    assert told(rule, street(30, seed=3), start_s=240)[0] <= 241


def test_a_car_that_was_told_is_still_noise_afterwards() -> None:
    rule = BrightnessRule()
    told(rule, [110.0] * 100 + [130.0] * 20 + [110.0] * 600)
    assert told(rule, [130.0] * 20 + [110.0] * 100, start_s=72) == []


def test_dusk_is_told_step_by_step() -> None:
    rule, dusk = BrightnessRule(), [120 - step / 300 for step in range(30_000)]  # two levels a minute, for 50 minutes
    times = told(rule, dusk)
    assert 10 <= len(times) <= 51
    assert max(b - a for a, b in itertools.pairwise(times)) < 600


def test_the_dead_band_is_the_setting_again_once_the_scene_is_calm() -> None:
    rule = BrightnessRule()
    told(rule, street(180))
    assert rule.noise * NOISE_FACTOR > LIMITS.brightness_deadband
    told(rule, [110.0] * 6000, start_s=180)
    assert rule.noise * NOISE_FACTOR < LIMITS.brightness_deadband
    assert told(rule, [113.0] * 5, start_s=800)[:1] == [800.0]


def test_a_camera_that_comes_back_tells_its_first_value() -> None:
    rule = BrightnessRule()
    told(rule, [100.0] * 20)
    rule.camera_lost()
    assert told(rule, [100.0], start_s=60) == [60.0]


def test_lux_that_becomes_known_or_changes_by_a_fifth_is_told() -> None:
    rule = BrightnessRule()
    values = [(0, None), (10, 50.0), (20, 55.0), (30, 64.0), (40, None)]
    assert [now_s for now_s, lux in values if rule.is_news(100, lux, now_s, LIMITS)] == [0, 10, 30, 40]
