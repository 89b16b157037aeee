"""Only controls with valid type, range and name are passed to libcamera."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.camera.source import Adjustments, Controls
from pi_cam_node.camera.sources.picam.controls import admitted, asked_of_camera, settings_of
from tests.support.fakes.picamera2_sensor import LENS_CONTROLS, PI_CONTROLS, VIRTUAL_CONTROLS, well_typed

UNADJUSTED = {"AfMode": 2, "AwbEnable": True, "AwbMode": 0, "ExposureValue": 0.0}


def controls(mode: Literal["day", "night"], framerate: float = 10, exposure_us: int = 2_000_000) -> Controls:
    return Controls(mode, framerate, exposure_us, gain=6, night_mode="still")


def test_day_asks_for_automatic_exposure_explicitly() -> None:
    assert asked_of_camera(controls("day")) == {
        **UNADJUSTED,
        "AeEnable": True,
        "ExposureTime": 0,
        "AnalogueGain": 0.0,
        "FrameDurationLimits": (100_000, 100_000),
    }


def test_night_fixes_exposure_and_gain_and_leaves_room_for_the_frame() -> None:
    asked = asked_of_camera(controls("night"))
    assert asked == {
        **UNADJUSTED,
        "AeEnable": False,
        "ExposureTime": 2_000_000,
        "AnalogueGain": 6.0,
        "FrameDurationLimits": (100_000, 4_000_000),
    }
    assert type(asked["AnalogueGain"]) is float


def test_a_short_night_exposure_keeps_the_frame_rate() -> None:
    assert asked_of_camera(controls("night", exposure_us=10_000))["FrameDurationLimits"] == (100_000, 100_000)


def test_zero_means_automatic_and_is_not_clamped() -> None:
    assert admitted({"ExposureTime": 0, "AnalogueGain": 0.0}, PI_CONTROLS) == {"ExposureTime": 0, "AnalogueGain": 0.0}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ExposureTime", 1, 75),
        ("ExposureTime", 200_000_000, 11_766_829),
        ("AnalogueGain", 0.5, 1.0),
        ("AnalogueGain", 64, 10.6),
        ("FrameDurationLimits", (1, 10**9), (21_000, 11_767_556)),
    ],
)
def test_values_are_brought_into_the_range_of_the_camera(name: str, value: Any, expected: Any) -> None:
    assert admitted({name: value}, PI_CONTROLS) == {name: expected}


@pytest.mark.parametrize("allowed", [(None, None, None), (9, 3, None), (math.nan, math.inf, None), ("x", (), 0)])
def test_a_range_that_says_nothing_does_not_count(allowed: tuple[Any, Any, Any]) -> None:
    assert admitted({"ExposureTime": 5000}, {"ExposureTime": allowed}) == {"ExposureTime": 5000}


def test_a_number_too_large_for_libcamera_is_clamped_to_its_type() -> None:
    assert admitted({"ExposureTime": 10**12}, {"ExposureTime": (None, None, None)}) == {"ExposureTime": 2**31 - 1}


def test_controls_that_the_camera_lacks_are_left_out() -> None:
    assert admitted(asked_of_camera(controls("night")), VIRTUAL_CONTROLS) == {"FrameDurationLimits": (33_333, 33_333)}


def test_a_control_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="FrameRate"):
        admitted({"FrameRate": 10}, PI_CONTROLS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AeEnable", 1),
        ("AeEnable", None),
        ("ExposureTime", True),
        ("ExposureTime", 1000.0),
        ("ExposureTime", "1000"),
        ("ExposureTime", None),
        ("AnalogueGain", True),
        ("AnalogueGain", math.nan),
        ("AnalogueGain", math.inf),
        ("AnalogueGain", "6"),
        ("FrameDurationLimits", 33_333),
        ("FrameDurationLimits", [33_333, 33_333]),
        ("FrameDurationLimits", (33_333,)),
        ("FrameDurationLimits", (33_333.0, 33_333)),
        ("FrameDurationLimits", (True, 33_333)),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        admitted({name: value}, PI_CONTROLS)


def test_a_numpy_integer_becomes_a_plain_one() -> None:
    sent = admitted({"ExposureTime": np.int64(5000)}, PI_CONTROLS)
    assert type(sent["ExposureTime"]) is int


@given(
    mode=st.sampled_from(["day", "night"]),
    framerate=st.floats(0.1, 60),
    exposure_us=st.integers(100, 200_000_000),
    gain=st.floats(1, 64),
)
def test_whatever_the_settings_allow_has_the_types_that_libcamera_takes(
    mode: Literal["day", "night"], framerate: float, exposure_us: int, gain: float
) -> None:
    asked = asked_of_camera(Controls(mode, framerate, exposure_us, gain, "still"))
    assert well_typed(admitted(asked, PI_CONTROLS))
    assert well_typed(admitted(asked, dict.fromkeys(PI_CONTROLS, (None, None, None))))


def asked(**adjustments: Any) -> dict[str, Any]:
    wanted = asked_of_camera(Controls("day", 10, 1000, 6, "still", Adjustments(**adjustments)))
    return {name: value for name, value in admitted(wanted, LENS_CONTROLS).items() if name not in PI_CONTROLS}


def test_a_lens_position_is_given_with_manual_focus_only_and_as_a_float() -> None:
    assert asked(autofocus="manual", lens_position_dpt=2)["LensPosition"] == 2.0
    assert type(asked(autofocus="manual", lens_position_dpt=2)["LensPosition"]) is float
    assert "LensPosition" not in asked(lens_position_dpt=2)


def test_infinity_is_a_position_and_not_automatic() -> None:
    near = {**LENS_CONTROLS, "LensPosition": (0.5, 15.0, 1.0)}
    assert admitted({"LensPosition": 0.0}, near) == {"LensPosition": 0.5}


def test_focusing_once_is_begun_by_its_trigger() -> None:
    assert asked(autofocus="auto") == {**UNADJUSTED, "AfMode": 1, "AfTrigger": 0}
    assert "AfTrigger" not in asked(autofocus="continuous")


def test_white_balance_and_compensation_have_libcameras_numbers() -> None:
    assert asked(awb="daylight", exposure_compensation_ev=-1)["AwbMode"] == 5
    assert asked(awb="daylight", exposure_compensation_ev=-1)["ExposureValue"] == -1.0


def test_an_enumeration_that_the_camera_does_not_know_is_refused_and_not_replaced_by_the_nearest() -> None:
    with pytest.raises(ValueError, match="no AwbMode 6"):
        admitted({"AwbMode": 6}, {"AwbMode": (0, 4, 0)})


@pytest.mark.parametrize("value", [True, 1.0, "1", None, np.float64(1.0)])
@pytest.mark.parametrize("name", ["AfMode", "AfTrigger", "AwbMode"])
def test_an_enumeration_of_a_wrong_type_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        admitted({name: value}, LENS_CONTROLS)


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf])
@pytest.mark.parametrize("name", ["LensPosition", "ExposureValue"])
def test_a_position_that_is_no_finite_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        admitted({name: value}, LENS_CONTROLS)


def test_a_camera_follows_the_settings_whose_controls_it_has() -> None:
    assert set(settings_of(PI_CONTROLS)) == {"camera.width", "camera.height", "night.exposure_us", "night.gain"}
    assert set(settings_of(VIRTUAL_CONTROLS)) == {"camera.width", "camera.height"}
    assert {"camera.autofocus", "camera.lens_position", "camera.awb", "camera.exposure_compensation"} <= set(
        settings_of(LENS_CONTROLS)
    )
