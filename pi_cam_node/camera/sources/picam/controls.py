"""Exposure, focus and white balance as libcamera takes them.

picamera2 checks the name of a control and nothing else. A value of the wrong type is accepted and
kills its camera thread one frame later; given before a start it can take the whole process along.
So each value gets its exact Python type and its range here, before picamera2 sees it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from pi_cam_node.camera.source import Adjustments, Controls

Value: TypeAlias = "bool | int | float | tuple[int, int]"

# The least and the greatest value as the camera advertises them; None where it does not say.
_Range: TypeAlias = "tuple[Any, Any]"


# Control of libcamera without which a camera does not follow a setting.
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
    """Return the keys of the settings that a camera with these controls follows; see `Opened.settings`."""
    return ("camera.width", "camera.height", *(key for key, name in _NEEDED.items() if name in advertised))


def asked_of_camera(controls: Controls) -> dict[str, Value]:
    """Return libcamera's controls for `Controls`.

    By day automatic exposure is set explicitly, with 0 for exposure and gain: a camera that was fixed before
    would stay fixed otherwise. By night the longest frame is allowed twice the exposure, because a frame holds the
    exposure and the time to read it out; the sensor takes the shortest frame that fits.
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

    A lens position counts in manual focus only; libcamera looks at the mode first, whatever the order (af.cpp).
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
    """Return the controls that the camera accepts: exact types, within its ranges, and only those that it has.

    Args:
        wanted: Controls by libcamera's names. 0 for ``ExposureTime`` and ``AnalogueGain`` means automatic.
        advertised: picamera2's ``camera_controls``: (least, greatest, default) of each control. The ranges hold for
            the configuration in force, so read them after `configure`.

    Raises:
        ValueError: A control that this module does not know, or a value of the wrong type, or one that is not finite.
    """
    unknown = sorted(set(wanted) - set(_COERCE))
    if unknown:
        raise ValueError(f"unknown camera controls: {', '.join(unknown)}")
    coerced = {name: (_COERCE[name], value) for name, value in wanted.items() if name in advertised}
    return {name: coerce(name, value, advertised[name][:2]) for name, (coerce, value) in coerced.items()}


def _flag(name: str, value: object, _range: _Range) -> bool:
    if value is not True and value is not False:
        raise ValueError(f"{name} is a yes or no, not {value!r}")
    return value


def _whole(name: str, value: object, allowed: _Range) -> int:
    number = _int32(name, value)
    return number if number == 0 else int(_clamped(number, allowed))


def _choice(name: str, value: object, allowed: _Range) -> int:
    number = _int32(name, value)
    if _clamped(number, allowed) != number:
        raise ValueError(f"the camera has no {name} {number}, only {allowed[0]} to {allowed[1]}")
    return number


def _real(name: str, value: object, allowed: _Range) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is a finite number, not {value!r}")
    return 0.0 if value == 0 else float(_clamped(value, allowed))


def _position(name: str, value: object, allowed: _Range) -> float:
    """Return a number within the range, where 0 is a value as any other."""
    number = _real(name, value, (None, None))
    return float(_clamped(number, allowed))


def _pair(name: str, value: object, allowed: _Range) -> tuple[int, int]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise ValueError(f"{name} is two whole numbers, not {value!r}")
    low, high = (int(_clamped(_int32(name, number), allowed)) for number in value)
    return low, high


def _int32(name: str, value: object) -> int:
    """Return a whole number that libcamera's 32-bit controls can hold."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} is a whole number, not {value!r}")
    return min(max(operator.index(value), -(2**31)), 2**31 - 1)


def _clamped(value: float, allowed: _Range) -> float:
    """Bring a value into the advertised range; a bound that is missing or turned around does not count."""
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
