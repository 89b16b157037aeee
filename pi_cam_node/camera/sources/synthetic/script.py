"""Script of the synthetic camera: light over time, and faults. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Literal, get_args, get_type_hints
from urllib.parse import parse_qsl

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.frozen import frozen

Loss = Literal["error", "hang", "freeze", "blank"]
Refused = Literal["", "day", "night"]


@frozen
class Script:
    """Light over time, and faults; every field is a parameter of ``synthetic?<name>=<value>&…``.

    Attributes:
        lux: Light by day, in lux.
        night_lux: Light by night, in lux.
        day_s: Seconds of day before dusk; negative: always day.
        dusk_s: Seconds of dusk, during which the light decreases, linearly on a logarithmic scale as outdoors.
        night_s: Seconds of night before dawn; negative: always night.
        dawn_s: Seconds of dawn, before the next day.
        loss_at_s: Second at which the fault begins; negative: never.
        loss_s: Duration of the fault in seconds.
        loss: Kind of the fault: ``error`` makes opening and reading fail, ``hang`` makes them wait, ``freeze`` repeats
            the last picture, ``blank`` delivers black pictures.
        refuse: The mode that the camera refuses.
        still_s: Seconds without movement, before the ball appears for `moves_s`, repeatedly.
        moves_s: Seconds in which the ball moves; negative: always.
        start_mono_s: Time of CLOCK_MONOTONIC at which the script begins, so that it continues when the camera is
            reopened; negative: it begins whenever the camera is opened.
    """

    lux: float = 400.0
    night_lux: float = 0.05
    day_s: float = -1.0
    dusk_s: float = 60.0
    night_s: float = -1.0
    dawn_s: float = 60.0
    loss_at_s: float = -1.0
    loss_s: float = 5.0
    loss: Loss = "error"
    refuse: Refused = ""
    start_mono_s: float = -1.0
    still_s: float = 20.0
    moves_s: float = -1.0

    def moves_at(self, second: float) -> bool:
        """Return whether the ball is visible at a second of the script."""
        cycle_s = (self.still_s + self.moves_s) or 1.0
        return self.moves_s < 0 or second % cycle_s >= self.still_s

    def lux_at(self, second: float) -> float:
        """Return the illuminance at a second of the script, in lux."""
        if self.day_s < 0:
            return self.lux
        if self.night_s >= 0:
            second %= (self.day_s + self.dusk_s + self.night_s + self.dawn_s) or 1.0
        for length_s, first, last in (
            (self.day_s, self.lux, self.lux),
            (self.dusk_s, self.lux, self.night_lux),
            (self.night_s if self.night_s >= 0 else float("inf"), self.night_lux, self.night_lux),
            (self.dawn_s, self.night_lux, self.lux),
        ):
            if second < length_s:
                return float(first * (last / first) ** (second / length_s))
            second -= length_s
        return self.lux

    def loss_left_s(self, second: float) -> float:
        """Return the remaining seconds of the fault; 0 without one."""
        if self.loss_at_s < 0 or second < self.loss_at_s:
            return 0.0
        return max(0.0, self.loss_at_s + self.loss_s - second)


def parse(query: str) -> Script:
    """Parse ``name=value&…``; the empty text means constant daylight.

    Raises:
        ConfigError: A name is unknown, or a value is invalid; the message lists all faults.
    """
    problems: list[str] = []
    values: dict[str, object] = {}
    kinds = get_type_hints(Script)
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in kinds:
            known = ", ".join(field.name for field in fields(Script))
            problems.append(f"camera.source: synthetic has no parameter {name!r}, only {known}")
        else:
            _read(name, text, kinds, values, problems)
    if problems:
        raise ConfigError(problems)
    return Script(**values)  # type: ignore[arg-type] # each value was read as the type of its field


def _read(name: str, text: str, kinds: Mapping[str, object], values: dict[str, object], problems: list[str]) -> None:
    choices = get_args(kinds[name])
    if choices:
        if text in choices:
            values[name] = text
        else:
            problems.append(f"camera.source: {name} is one of {', '.join(c for c in choices if c)}, not {text!r}")
        return
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    lowest = 1e-6 if name in ("lux", "night_lux") else -1e9
    if lowest <= number <= 1e9:
        values[name] = number
    else:
        problems.append(f"camera.source: {name} is a number, not {text!r}" + (", above 0" if lowest > 0 else ""))
