"""Parses libcamera's frame metadata, in which every key may be missing, and converts its time stamps."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from typing import Any

from pi_cam_node.imaging.frame import Sensor


class CameraClock:
    """The clocks since boot, and waiting; tests advance them by hand."""

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()

    def boottime_ns(self) -> int:
        """Return CLOCK_BOOTTIME in nanoseconds, which includes suspend; libcamera's time stamps use it."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def wait(self, event: threading.Event, timeout_s: float) -> None:
        """Return when the event is set, or after the timeout."""
        event.wait(max(0.0, timeout_s))


def sensor_of(metadata: Mapping[str, Any]) -> Sensor:
    """Return the sensor's values; an exposure or gain of 0, or an invalid one, counts as missing."""
    exposure_us = _number(metadata.get("ExposureTime"))
    gain = _number(metadata.get("AnalogueGain"))
    return Sensor(
        exposure_us=round(exposure_us) if exposure_us else None,
        gain=float(gain) if gain else None,
        lux=_number(metadata.get("Lux")),
        temperature_c=_number(metadata.get("SensorTemperature")),
    )


def captured_mono_s(metadata: Mapping[str, Any], clock: CameraClock) -> float:
    """Return the monotonic time at which the first row of a frame was exposed.

    ``SensorTimestamp`` is CLOCK_BOOTTIME by libcamera's definition, but its USB handler gives CLOCK_MONOTONIC. The two
    differ by the time in suspend, so the interpretation that makes the frame youngest is correct. Without a time
    stamp, or with one in the future, the frame counts as captured now.
    """
    mono_ns, boot_ns = clock.monotonic_ns(), clock.boottime_ns()
    stamp_ns = _number(metadata.get("SensorTimestamp"))
    if not stamp_ns:
        return mono_ns / 1e9
    ages_ns = (mono_ns - stamp_ns, boot_ns - stamp_ns)
    return (mono_ns - min((age for age in ages_ns if age >= 0), default=0)) / 1e9


def _number(value: object) -> int | float | None:
    """Return a finite number, else ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
