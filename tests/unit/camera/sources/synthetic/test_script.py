"""Parsing of the synthetic camera's script: light over time, and faults."""

from __future__ import annotations

import pytest

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.camera.sources.synthetic.script import Script, parse


def test_without_parameters_it_is_day_for_ever() -> None:
    assert parse("") == Script()
    assert parse("").lux_at(1e6) == 400


def test_light_falls_by_equal_factors_during_dusk() -> None:
    script = parse("lux=1000&night_lux=0.1&day_s=10&dusk_s=40")
    assert script.lux_at(9.9) == 1000
    assert script.lux_at(30) == pytest.approx(10)
    assert script.lux_at(49.999) == pytest.approx(0.1, rel=0.01)


def test_night_without_an_end_lasts_for_ever() -> None:
    assert parse("day_s=1&dusk_s=1").lux_at(1e6) == 0.05


def test_dawn_mirrors_dusk_and_then_it_is_day_again() -> None:
    script = parse("lux=100&night_lux=0.01&day_s=5&dusk_s=10&night_s=5&dawn_s=10")
    assert script.lux_at(25) == pytest.approx(1)
    assert script.lux_at(30) == 100
    assert script.lux_at(30 + 10) == pytest.approx(script.lux_at(10))


def test_a_dusk_of_no_length_is_a_sudden_one() -> None:
    script = parse("day_s=0&dusk_s=0")
    assert script.lux_at(0) == 0.05


def test_a_cycle_of_no_length_at_all_is_day() -> None:
    assert parse("day_s=0&dusk_s=0&night_s=0&dawn_s=0").lux_at(3) == 400


def test_the_camera_is_lost_for_as_long_as_the_script_says() -> None:
    script = parse("loss_at_s=20&loss_s=5")
    assert [script.loss_left_s(second) for second in (19.9, 20, 23, 25, 30)] == [0, 5, 2, 0, 0]


def test_without_a_moment_of_loss_it_is_never_lost() -> None:
    assert parse("loss_s=5").loss_left_s(3) == 0


def test_every_fault_of_a_script_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("lux=0&dusk=3&loss=maybe&day_s=nan&refuse=")
    problems = caught.value.problems
    assert len(problems) == 4
    assert "lux" in problems[0]
    assert "'dusk'" in problems[1]
    assert "night_lux" in problems[1]
    assert "error, hang" in problems[2]
    assert "day_s" in problems[3]
