"""The sensor behind the fake Picamera2: exposure, and controls that take effect some frames late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Number of frames between the request with a control and its effect.
CONTROL_LATENCY_FRAMES = 5
AUTO_EXPOSURE_US = 8_000
AUTO_GAIN = 1.5

PI_CONTROLS: dict[str, tuple[Any, Any, Any]] = {
    "AeEnable": (False, True, True),
    "ExposureTime": (75, 11_766_829, 20_000),
    "AnalogueGain": (1.0, 10.6, 1.0),
    "FrameDurationLimits": (21_000, 11_767_556, None),
}
# Controls of a Camera Module 3, which has autofocus.
LENS_CONTROLS: dict[str, tuple[Any, Any, Any]] = {
    **PI_CONTROLS,
    "AfMode": (0, 2, 0),
    "AfTrigger": (0, 1, 0),
    "LensPosition": (0.0, 32.0, 1.0),
    "AwbEnable": (False, True, None),
    "AwbMode": (0, 7, 0),
    "ExposureValue": (-8.0, 8.0, 0.0),
}
VIRTUAL_CONTROLS: dict[str, tuple[Any, Any, Any]] = {"FrameDurationLimits": (33_333, 33_333, None)}

_TYPES: dict[str, Callable[[Any], bool]] = {
    "AeEnable": lambda value: type(value) is bool,
    "ExposureTime": lambda value: type(value) is int and abs(value) < 2**31,
    "AnalogueGain": lambda value: type(value) in (int, float),
    "FrameDurationLimits": lambda value: len(value) == 2 and all(type(each) is int for each in value),
    "AfMode": lambda value: type(value) is int,
    "AfTrigger": lambda value: type(value) is int,
    "LensPosition": lambda value: type(value) in (int, float),
    "AwbEnable": lambda value: type(value) is bool,
    "AwbMode": lambda value: type(value) is int,
    "ExposureValue": lambda value: type(value) in (int, float),
}


@dataclass
class Faults:
    """Properties and faults of the fake camera. May be changed at any time.

    With ``once``, a failure to configure, allocate or start happens only once.
    """

    once: bool = False
    stalled: bool = False
    configure_error: int = 0
    start_error: Exception | None = None
    alloc_fail_after: int | None = None
    lose_controls: bool = False
    stuck_exposure_us: int | None = None
    granted: dict[str, Any] = field(default_factory=dict)
    granted_still: dict[str, Any] = field(default_factory=dict)
    limited: bool = False
    says: Callable[[dict[str, Any]], dict[str, Any]] = field(default=lambda metadata: metadata)
    contents: Callable[[int], bytes] = field(default=lambda number: bytes([number % 251]))

    def heal(self) -> None:
        """End the fault after the failure that has just happened."""
        if self.once:
            self.configure_error, self.start_error, self.alloc_fail_after = 0, None, None


class FakeSensor:
    """Applies controls, and reports those with which a frame was exposed."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._in_force: dict[str, Any] = {"AeEnable": True, "FrameDurationLimits": (33_333, 33_333)}
        self._under_way: list[tuple[int, dict[str, Any]]] = []

    def start(self, controls: dict[str, Any]) -> None:
        """Apply controls at once, dropping pending ones."""
        self._under_way.clear()
        self._take(controls)

    def send(self, controls: dict[str, Any], frame_number: int) -> None:
        """Queue controls with a request sent after a frame."""
        if not self._faults.lose_controls:
            self._under_way.append((frame_number + CONTROL_LATENCY_FRAMES, controls))

    def expose(self, frame_number: int) -> None:
        """Expose the next frame."""
        while self._under_way and self._under_way[0][0] <= frame_number:
            self._take(self._under_way.pop(0)[1])

    @property
    def in_force(self) -> dict[str, Any]:
        """The current controls."""
        return dict(self._in_force)

    @property
    def exposure_us(self) -> int:
        fixed = self._in_force.get("ExposureTime") or AUTO_EXPOSURE_US
        return self._faults.stuck_exposure_us or min(fixed, self._in_force["FrameDurationLimits"][1])

    @property
    def interval_ns(self) -> int:
        return 1000 * int(max(self._in_force["FrameDurationLimits"][0], self.exposure_us))

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "ExposureTime": self.exposure_us,
            "AnalogueGain": self._in_force.get("AnalogueGain") or AUTO_GAIN,
            "Lux": 40.5,
            "SensorTemperature": 21.0,
            "ColourGains": (1.9, 1.6),
        }

    def _take(self, controls: dict[str, Any]) -> None:
        self._in_force |= controls


def well_typed(controls: dict[str, Any]) -> bool:
    """Whether libcamera's binding can convert the values."""
    return all(_TYPES[name](value) for name, value in controls.items())
