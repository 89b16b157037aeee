"""Exposure controls as libcamera takes them.

picamera2 checks the name of a control and nothing else. A value of the wrong type is accepted and
kills its camera thread one frame later; given before a start it can take the whole process along.
So each value gets its exact Python type and its range here, before picamera2 sees it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pi_cam_node.camera.source import Controls

Value: TypeAlias = "bool | int | float | tuple[int, int]"

# The least and the greatest value as the camera advertises them; None where it does not say.
_Range: TypeAlias = "tuple[Any, Any]"


def asked_of_camera(controls: Controls) -> dict[str, Value]:
    """Return libcamera's controls for `Controls`.

    By day automatic exposure is set explicitly, with 0 for exposure and gain: a camera that was fixed before
    would stay fixed otherwise. By night the longest frame is allowed twice the exposure, because a frame holds the
    exposure and the time to read it out; the sensor takes the shortest frame that fits.
    """
    interval_us = round(1e6 / controls.framerate)
    if controls.mode == "day":
        return {
            "AeEnable": True,
            "ExposureTime": 0,
            "AnalogueGain": 0.0,
            "FrameDurationLimits": (interval_us, interval_us),
        }
    return {
        "AeEnable": False,
        "ExposureTime": controls.exposure_us,
        "AnalogueGain": float(controls.gain),
        "FrameDurationLimits": (interval_us, max(interval_us, 2 * controls.exposure_us)),
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


def _real(name: str, value: object, allowed: _Range) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is a finite number, not {value!r}")
    return 0.0 if value == 0 else float(_clamped(value, allowed))


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
}
