"""The picamera2 source with the fake library: frames, times and modes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import Adjustments, Opened
from pi_cam_node.imaging.frame import Sensor
from tests.support.fakes.picam_rig import DAY, NIGHT, QUICK_DAY, QUICK_NIGHT, SMALL, Rig
from tests.support.fakes.picamera2_sensor import (
    CONTROL_LATENCY_FRAMES,
    LENS_CONTROLS,
    PI_CONTROLS,
    VIRTUAL_CONTROLS,
)


def test_a_camera_says_what_it_grants(rig: Rig) -> None:
    settings = ("camera.width", "camera.height", "night.exposure_us", "night.gain")
    assert rig.open() == Opened(
        "picamera2:imx219", (64, 64), "i420", controls=True, settings=settings, tells_light=True
    )


def test_an_adjusted_size_and_format_is_what_counts(rig: Rig) -> None:
    rig.faults.granted = {"format": "RGB888", "size": (62, 40), "stride": 192}
    opened = rig.open()
    assert (opened.size, opened.layout) == ((62, 40), "bgr")
    assert rig.source.read().pixels.shape == (40, 62, 3)


def test_a_format_that_cannot_be_read_is_refused_and_the_camera_let_go(rig: Rig) -> None:
    rig.faults.granted = {"format": "SRGGB10_CSI2P"}
    with pytest.raises(SourceError, match="SRGGB10_CSI2P is not supported"):
        rig.open()
    assert not rig.factory.opened[0].is_open


def test_full_range_few_buffers_and_the_codecs_format_are_asked_for(rig: Rig) -> None:
    rig.open(camera=SMALL.model_copy(update={"codec": "rgb"}))
    config = rig.config()
    assert (config["colour_space"], config["buffer_count"], config["queue"]) == ("sYCC", 4, True)
    assert config["main"]["format"] == "RGB888"
    assert config["use_case"] == "video"


def test_a_still_configuration_gets_enough_buffers_to_flow(rig: Rig) -> None:
    rig.open(NIGHT)
    config = rig.config()
    assert (config["use_case"], config["buffer_count"], config["queue"]) == ("still", 3, True)
    assert rig.modes(8) == ["night"] * 8


def test_limited_range_is_stretched(rig: Rig) -> None:
    rig.faults.limited = True
    rig.faults.contents = lambda _number: bytes([235])
    rig.open()
    assert rig.source.read().pixels[0, 0] == 255


def test_frames_come_in_order_and_each_once(rig: Rig) -> None:
    rig.open()
    assert [shot.pixels[0, 0] for shot in rig.read(6)] == [1, 2, 3, 4, 5, 6]


def test_pixels_are_a_copy_of_camera_memory(rig: Rig) -> None:
    rig.open()
    first = rig.source.read().pixels
    rig.read(20)
    assert set(np.unique(first)) == {1}


def test_times_are_on_the_monotonic_clock_although_the_machine_slept(rig: Rig) -> None:
    rig.open()
    shot = rig.source.read()
    assert rig.clock.now_ns / 1e9 - shot.captured_mono_s == pytest.approx(0.02)
    assert shot.captured_mono_s - shot.exposed_mono_s == pytest.approx(0.008)


def test_a_timestamp_of_the_monotonic_clock_is_understood_too(rig: Rig) -> None:
    rig.faults.says = lambda metadata: metadata | {"SensorTimestamp": rig.clock.monotonic_ns() - 30_000_000}
    rig.open()
    captured_s = rig.source.read().captured_mono_s
    assert rig.clock.now_ns / 1e9 - captured_s == pytest.approx(0.03)


@pytest.mark.parametrize("stamp", [None, 0, "soon", float("nan"), 10**30])
def test_a_timestamp_that_says_nothing_means_now(rig: Rig, stamp: object) -> None:
    rig.faults.says = lambda metadata: metadata | {"SensorTimestamp": stamp}
    rig.open()
    assert rig.source.read().captured_mono_s == rig.clock.now_ns / 1e9


def test_the_sensors_words_are_passed_on(rig: Rig) -> None:
    rig.open()
    assert rig.source.read().sensor == Sensor(exposure_us=8_000, gain=1.5, lux=40.5, temperature_c=21.0)


def test_a_camera_that_says_nearly_nothing_is_read_all_the_same(rig: Rig) -> None:
    rig.factory.advertised = dict(VIRTUAL_CONTROLS)
    rig.faults.says = lambda metadata: {"SensorTimestamp": metadata["SensorTimestamp"]}
    opened = rig.open()
    shot = rig.source.read()
    assert not opened.controls
    assert shot.sensor == Sensor()
    assert shot.captured_mono_s - shot.exposed_mono_s == pytest.approx(0.1)


def test_nonsense_in_the_metadata_counts_as_nothing_said(rig: Rig) -> None:
    nonsense = {"ExposureTime": "long", "AnalogueGain": float("nan"), "Lux": None, "SensorTemperature": True}
    rig.faults.says = lambda metadata: metadata | nonsense
    rig.open()
    assert rig.source.read().sensor == Sensor()


def test_day_starts_with_automatic_exposure_at_the_rate_asked_for(rig: Rig) -> None:
    rig.open()
    assert rig.last_start() == {
        "AeEnable": True,
        "ExposureTime": 0,
        "AnalogueGain": 0.0,
        "FrameDurationLimits": (100_000, 100_000),
    }


def test_night_starts_with_a_fixed_exposure_within_the_sensors_range(rig: Rig) -> None:
    rig.open(replace(NIGHT, exposure_us=200_000_000))
    assert rig.last_start()["ExposureTime"] == 11_766_829
    assert rig.source.read().mode == "night"


def test_a_switch_to_another_configuration_starts_it_in_the_new_mode(rig: Rig) -> None:
    rig.open()
    rig.read(3)
    rig.source.apply(NIGHT)
    assert rig.config()["use_case"] == "still"
    shots = rig.read(2)
    assert [shot.mode for shot in shots] == ["night", "night"]
    assert [shot.sensor.exposure_us for shot in shots] == [2_000_000, 2_000_000]
    rig.source.apply(DAY)
    assert rig.config()["use_case"] == "video"
    assert rig.modes(2) == ["day", "day"]


def test_a_live_switch_shows_in_the_frames_that_were_taken_with_it(rig: Rig) -> None:
    rig.open(QUICK_DAY)
    rig.read(3)
    rig.source.apply(QUICK_NIGHT)
    shots = rig.read(12)
    assert len(rig.factory.opened[0].controls_at_start) == 1
    assert [shot.mode for shot in shots] == ["night" if shot.sensor.exposure_us == 500_000 else "day" for shot in shots]
    assert CONTROL_LATENCY_FRAMES <= [shot.mode for shot in shots].index("night") <= 9
    rig.source.apply(QUICK_DAY)
    assert rig.modes(1) == ["night"]
    assert rig.modes(12)[-1] == "day"


def test_a_long_exposure_comes_by_stop_and_start_without_a_second_configuration(rig: Rig) -> None:
    rig.open(QUICK_DAY)
    rig.read(3)
    rig.source.apply(replace(QUICK_NIGHT, exposure_us=2_000_000))
    assert rig.modes(2) == ["night", "night"]
    assert len(rig.factory.opened[0].controls_at_start) == 2
    assert rig.config()["use_case"] == "video"


def test_a_live_switch_that_picamera2_loses_is_repeated_by_a_restart(rig: Rig) -> None:
    rig.open(QUICK_DAY)
    rig.read(3)
    rig.faults.lose_controls = True
    rig.source.apply(QUICK_NIGHT)
    modes = rig.modes(14)
    assert modes[0] == "day"
    assert modes[-1] == "night"
    assert len(rig.factory.opened[0].controls_at_start) == 2


def test_a_sensor_that_cannot_reach_the_exposure_is_in_night_mode_in_the_end(rig: Rig) -> None:
    rig.open()
    rig.faults.stuck_exposure_us = 700_000
    rig.source.apply(NIGHT)
    shots = rig.read(12)
    assert [shots[0].mode, shots[-1].mode] == ["day", "night"]
    assert shots[-1].sensor.exposure_us == 700_000


def test_a_camera_without_exposure_control_changes_its_label(rig: Rig) -> None:
    rig.factory.advertised = dict(VIRTUAL_CONTROLS)
    rig.faults.says = lambda _metadata: {}
    rig.open()
    rig.source.apply(NIGHT)
    assert rig.modes(1) == ["night"]


def test_controls_that_are_in_force_already_change_nothing(rig: Rig) -> None:
    rig.open()
    rig.source.apply(DAY)
    assert len(rig.factory.opened[0].controls_at_start) == 1


def test_focus_and_white_balance_change_while_the_camera_runs_by_day_and_by_night() -> None:
    for controls in (DAY, NIGHT, QUICK_NIGHT):
        rig = Rig()
        rig.factory.advertised = dict(LENS_CONTROLS)
        opened = rig.open(controls)
        assert "camera.lens_position" in opened.settings
        rig.read(3)
        starts = len(rig.factory.opened[-1].controls_at_start)
        manual = Adjustments("manual", 2.5, "daylight", 0.5)
        rig.source.apply(replace(controls, adjustments=manual))
        assert rig.modes(CONTROL_LATENCY_FRAMES + 2) == [controls.mode] * (CONTROL_LATENCY_FRAMES + 2)
        in_force = rig.factory.opened[-1].sensor.in_force
        assert (in_force["AfMode"], in_force["LensPosition"], in_force["AwbMode"]) == (0, 2.5, 5)
        assert in_force["ExposureValue"] == 0.5
        assert len(rig.factory.opened[-1].controls_at_start) == starts, "no gap"


def test_adjustments_survive_a_switch_of_the_mode() -> None:
    rig = Rig()
    rig.factory.advertised = dict(LENS_CONTROLS)
    manual = Adjustments("manual", 2.5, "cloudy")
    rig.open(replace(DAY, adjustments=manual))
    rig.read(2)
    rig.source.apply(replace(NIGHT, adjustments=manual))
    rig.read(2)
    assert rig.last_start()["LensPosition"] == 2.5
    assert rig.last_start()["AwbMode"] == 6


def test_a_camera_without_a_lens_is_told_nothing_of_focus(rig: Rig) -> None:
    rig.open(replace(DAY, adjustments=Adjustments("manual", 2.5, "daylight", 1.0)))
    assert set(rig.last_start()) == set(PI_CONTROLS)
