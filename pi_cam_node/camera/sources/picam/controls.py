"""Exposure, focus and white balance as libcamera controls.

picamera2 checks only the name of a control. A value of the wrong type is accepted and crashes its camera thread one
frame later, or the whole process if set before the start. So each value is converted to its exact Python type and
clamped to its range here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from pi_cam_node.camera.source import Adjustments, Controls

Value: TypeAlias = "bool | int | float | tuple[int, int]"

# Minimum and maximum as advertised by the camera; None if not given.
_Range: TypeAlias = "tuple[Any, Any]"


# The libcamera control that a camera needs to support a setting.
_NEEDED = {
    "camera.autofocus": "AfMode",
    "camera.lens_position": "LensPosition",
    "camera.awb": "AwbMode",
    "camera.exposure_compensation": "ExposureValue",
    "night.exposure_us": "ExposureTime",
    "night.gain": "AnalogueGain",
}
# Values of libcamera's enumerations: AfModeEnum and AfTriggerEnum, AwbModeEnum (control_ids_core.yaml).
_AF_MODES = {"manual": 0, "auto": 1, "continuous": 2}
_AF_START = 0
_AWB_MODES = {"auto": 0, "tungsten": 2, "fluorescent": 3, "indoor": 4, "daylight": 5, "cloudy": 6}


def settings_of(advertised: Collection[str]) -> tuple[str, ...]:
    """Return the keys of the settings that a camera with these controls supports; see `Opened.settings`."""
    return ("camera.width", "camera.height", *(key for key, name in _NEEDED.items() if name in advertised))


def asked_of_camera(controls: Controls) -> dict[str, Value]:
    """Convert `Controls` to libcamera controls.

    By day automatic exposure is set explicitly, with 0 for exposure and gain; otherwise a camera with fixed exposure
    would keep it. By night the maximum frame duration is twice the exposure, as a frame includes exposure and readout;
    the sensor uses the shortest duration that fits.
    """
    interval_us = round(1e6 / controls.framerate)
    if controls.mode == "day":
        return {
            **_adjusted(controls.adjustments),
            "AeEnable": True,
            "ExposureTime": 0,
            "AnalogueGain": 0.0,
            "FrameDurationLimits": (interval_us, interval_us),
        }
    return {
        **_adjusted(controls.adjustments),
        "AeEnable": False,
        "ExposureTime": controls.exposure_us,
        "AnalogueGain": float(controls.gain),
        "FrameDurationLimits": (interval_us, max(interval_us, 2 * controls.exposure_us)),
    }


def _adjusted(adjustments: Adjustments) -> dict[str, Value]:
    """Return the controls of focus, white balance and exposure compensation.

    A lens position is used in manual focus only; libcamera applies the mode first, whatever the order (af.cpp).
    """
    mode = adjustments.autofocus
    focus: dict[str, Value] = {"AfMode": _AF_MODES[mode]}
    if mode == "auto":
        focus["AfTrigger"] = _AF_START
    elif mode == "manual":
        focus["LensPosition"] = float(adjustments.lens_position_dpt)
    return {
        **focus,
        "AwbEnable": True,
        "AwbMode": _AWB_MODES[adjustments.awb],
        "ExposureValue": float(adjustments.exposure_compensation_ev),
    }


def admitted(wanted: Mapping[str, object], advertised: Mapping[str, tuple[Any, Any, Any]]) -> dict[str, Value]:
    """Return the supported controls with exact types, clamped to the camera's ranges.

    Args:
        wanted: Controls by libcamera's names. 0 for ``ExposureTime`` and ``AnalogueGain`` means automatic.
        advertised: picamera2's ``camera_controls``: (least, greatest, default) of each control. The ranges hold for
            the current configuration, so read them after `configure`.

    Raises:
        ValueError: A control is unknown to this module, or a value is of the wrong type or not finite.
    """
    unknown = sorted(set(wanted) - set(_COERCE))
    if unknown:
        raise ValueError(f"unknown camera controls: {', '.join(unknown)}")
    coerced = {name: (_COERCE[name], value) for name, value in wanted.items() if name in advertised}
    return {name: coerce(name, value, advertised[name][:2]) for name, (coerce, value) in coerced.items()}


def _flag(name: str, value: object, _range: _Range) -> bool:
    if value is not True and value is not False:
        raise ValueError(f"{name} is true or false, not {value!r}")
    return value


def _whole(name: str, value: object, allowed: _Range) -> int:
    number = _int32(name, value)
    return number if number == 0 else int(_clamped(number, allowed))


def _choice(name: str, value: object, allowed: _Range) -> int:
    number = _int32(name, value)
    if _clamped(number, allowed) != number:
        raise ValueError(f"the camera has no {name} {number}, only {allowed[0]} to {allowed[1]}")
    return number


def _finite(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is a finite number, not {value!r}")
    return value


def _real(name: str, value: object, allowed: _Range) -> float:
    number = _finite(name, value)
    return 0.0 if number == 0 else float(_clamped(number, allowed))


def _position(name: str, value: object, allowed: _Range) -> float:
    """Clamp a number to the range; 0 has no special meaning."""
    return float(_clamped(_finite(name, value), allowed))


def _pair(name: str, value: object, allowed: _Range) -> tuple[int, int]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise ValueError(f"{name} is two whole numbers, not {value!r}")
    low, high = (int(_clamped(_int32(name, number), allowed)) for number in value)
    return low, high


def _int32(name: str, value: object) -> int:
    """Return an integer that fits libcamera's 32-bit controls."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} is a whole number, not {value!r}")
    return min(max(operator.index(value), -(2**31)), 2**31 - 1)


def _clamped(value: float, allowed: _Range) -> float:
    """Clamp a value to the advertised range; missing or inverted bounds are ignored."""
    low, high = (bound if isinstance(bound, int | float) and math.isfinite(bound) else None for bound in allowed)
    if low is not None and high is not None and low > high:
        return value
    if low is not None:
        value = max(value, low)
    return value if high is None else min(value, high)


_COERCE: dict[str, Callable[[str, object, _Range], Value]] = {
    "AeEnable": _flag,
    "ExposureTime": _whole,
    "AnalogueGain": _real,
    "FrameDurationLimits": _pair,
    "AfMode": _choice,
    "AfTrigger": _choice,
    "LensPosition": _position,
    "AwbEnable": _flag,
    "AwbMode": _choice,
    "ExposureValue": _position,
}
