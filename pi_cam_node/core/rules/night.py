"""Day/night state machine: a transition table, and the rules that generate its inputs.

Two states are steady: DAY and NIGHT. Two are transitional: TO_NIGHT and TO_DAY, in which the camera was requested to
switch but its frames do not show the new mode yet. The published mode is always that of the frames, never the requested
one. If the camera refuses or does not respond, the state returns, and the request is repeated after a growing pause.

Night is requested after ``min_dark_frames`` consecutive frames below ``dark_threshold``; day after
``min_bright_frames`` above ``bright_threshold``. A single other frame resets the count, since lightning and headlights
are short. Frames within ``settle_s`` of a switch, a start or a return of the camera do not count, and no switch is
requested before ``dwell_s`` in a mode that the controller chose. An override needs neither counts nor dwell.

All times are on the monotonic clock, in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from pi_cam_node.base.schedule import AT_ONCE_S, NEVER_S
from pi_cam_node.config import NightConfig
from pi_cam_node.imaging.frame import Mode

# Timeout of a switch: this, plus some night frames.
CONFIRM_S = 30.0
CONFIRM_FRAMES = 12
# Pauses before a refused switch is retried.
RETRY_S = (5.0, 10.0, 30.0, 60.0)


class State(StrEnum):
    """State of the controller."""

    DAY = "day"
    TO_NIGHT = "to_night"
    NIGHT = "night"
    TO_DAY = "to_day"


class Input(StrEnum):
    """Input of the controller."""

    NIGHT_WANTED = "night wanted"
    DAY_WANTED = "day wanted"
    NIGHT_SEEN = "night seen"
    DAY_SEEN = "day seen"
    REFUSED = "refused"


TRANSITIONS = MappingProxyType(
    {
        (State.DAY, Input.NIGHT_WANTED): State.TO_NIGHT,
        (State.DAY, Input.NIGHT_SEEN): State.NIGHT,
        (State.TO_NIGHT, Input.NIGHT_SEEN): State.NIGHT,
        (State.TO_NIGHT, Input.DAY_WANTED): State.TO_DAY,
        (State.TO_NIGHT, Input.REFUSED): State.DAY,
        (State.NIGHT, Input.DAY_WANTED): State.TO_DAY,
        (State.NIGHT, Input.DAY_SEEN): State.DAY,
        (State.TO_DAY, Input.DAY_SEEN): State.DAY,
        (State.TO_DAY, Input.NIGHT_WANTED): State.TO_NIGHT,
        (State.TO_DAY, Input.REFUSED): State.NIGHT,
    }
)
"""Transition table; missing entries change nothing."""

ASKS: MappingProxyType[State, Mode] = MappingProxyType({State.TO_NIGHT: "night", State.TO_DAY: "day"})
"""Mode requested from the camera on entry to a state."""

Cause = Literal["start", "light", "override", "disabled", "camera"]


class NightController:
    """Decides between day and night. No I/O, no clock, no thread.

    Attributes:
        due_s: When `decide` may change its decision without a new frame.
        changes: Number of state changes.
        settled_s: When the exposure has settled after a switch or start; earlier frames do not count.
    """

    def __init__(self, settings: NightConfig, now_s: float) -> None:
        self._settings = settings
        self._state = State.DAY
        self._cause: Cause = "start"
        self._wanted_cause: Cause = "start"
        self._dark = self._bright = 0
        self._entered_s: float | None = None  # None: not chosen by the controller, so no dwell time
        self.settled_s = now_s + settings.settle_s
        self._asked_s = now_s
        self._refusals = 0
        self._retry_s = now_s
        self.changes = 0
        self.due_s = AT_ONCE_S  # the settings may request another mode from the start

    @property
    def mode(self) -> Mode:
        """Camera mode of the newest frames."""
        return "night" if self._state in (State.NIGHT, State.TO_DAY) else "day"

    @property
    def wanted(self) -> Mode:
        """The mode requested from the camera last, or shown without a request."""
        return ASKS.get(self._state, self.mode)

    @property
    def cause(self) -> Cause:
        """Cause of the present mode."""
        return self._cause

    def configure(self, settings: NightConfig) -> None:
        """Apply new settings."""
        self._settings = settings
        self.due_s = AT_ONCE_S

    def restarted(self, now_s: float) -> None:
        """Process a start or return of the camera: restart settling and counts."""
        self._dark = self._bright = 0
        self.settled_s = now_s + self._settings.settle_s

    def observe(self, mode: Mode, level: float, now_s: float) -> Mode | None:
        """Process a frame.

        Args:
            mode: Mode of the frame.
            level: Its mean luma, 0 to 255.
            now_s: Monotonic time.

        Returns:
            The mode to request from the camera, or ``None``.
        """
        if mode != self.mode:  # checked first, as hashing a state takes longer than everything else here
            self._move(Input.NIGHT_SEEN if mode == "night" else Input.DAY_SEEN, now_s)
        self._count(mode, level, now_s)
        return self.decide(now_s)

    def decide(self, now_s: float) -> Mode | None:
        """Return the mode to request from the camera now, or ``None``."""
        if self._state in ASKS and now_s >= self._asked_s + self._confirm_s:
            self.refused(now_s)
        rule_mode = self._rule_mode(now_s)
        if rule_mode is None or now_s < self._retry_s:
            return None
        before = self._state
        self._move(Input.NIGHT_WANTED if rule_mode == "night" else Input.DAY_WANTED, now_s)
        return ASKS.get(self._state) if self._state is not before else None

    def on_time(self, now_s: float) -> Mode | None:
        """Return the mode to request from the camera once `due_s` has passed, or ``None``."""
        wanted = self.decide(now_s)
        self._update_due(now_s)
        return wanted

    def refused(self, now_s: float, mode: Mode | None = None) -> None:
        """Process a refused switch: retry later, unless another mode is wanted by now."""
        if self._state in ASKS and mode in (None, self.wanted):
            self._move(Input.REFUSED, now_s)
            self._retry_s = now_s + RETRY_S[min(self._refusals, len(RETRY_S) - 1)]
            self._refusals += 1
            self._update_due(now_s)

    def explain(self, now_s: float) -> Mapping[str, object]:
        """Return the state, its cause, and the present inputs of the decision."""
        return {
            "state": self._state.value,
            "dark_frames": self._dark,
            "bright_frames": self._bright,
            "dwell_left_s": round(self._dwell_left_s(now_s), 1),
            "settling_left_s": round(max(0.0, self.settled_s - now_s), 1),
            "retry_left_s": round(max(0.0, self._retry_s - now_s), 1),
            "override": self._settings.override,
            "cause": self._cause,
        }

    @property
    def _confirm_s(self) -> float:
        return CONFIRM_S + CONFIRM_FRAMES * self._settings.exposure_us / 1e6

    def _rule_mode(self, now_s: float) -> Mode | None:
        """Return the mode wanted by the rules, if any."""
        settings = self._settings
        if settings.override != "auto":
            self._wanted_cause = "override"
            return settings.override
        if not settings.enable:
            self._wanted_cause = "disabled"
            return "day"
        if self._dwell_left_s(now_s) > 0:
            return None
        self._wanted_cause = "light"
        if self._state is State.DAY and self._dark >= settings.min_dark_frames:
            return "night"
        if self._state is State.NIGHT and self._bright >= settings.min_bright_frames:
            return "day"
        return None

    def _count(self, mode: Mode, level: float, now_s: float) -> None:
        if now_s < self.settled_s:
            self._dark = self._bright = 0
        elif mode == "day":
            self._dark = self._dark + 1 if level < self._settings.dark_threshold else 0
        else:
            self._bright = self._bright + 1 if level > self._settings.bright_threshold else 0

    def _dwell_left_s(self, now_s: float) -> float:
        if self._entered_s is None:
            return 0.0
        return max(0.0, self._entered_s + self._settings.dwell_s - now_s)

    def _move(self, what: Input, now_s: float) -> None:
        """Execute a transition of the table and the entry action of the new state."""
        state = TRANSITIONS.get((self._state, what))
        if state is None:
            return
        asked = self._state in ASKS
        self._state = state
        self.changes += 1
        if state in ASKS:
            self._asked_s = now_s
        elif what is not Input.REFUSED:
            self._cause = self._wanted_cause if asked else "camera"
            self._entered_s = now_s if self._cause == "light" else None
            self._refusals = 0
            self.restarted(now_s)
        self._update_due(now_s)

    def _update_due(self, now_s: float) -> None:
        dwell_ends_s = now_s if self._entered_s is None else self._entered_s + self._settings.dwell_s
        confirm_ends_s = self._asked_s + self._confirm_s if self._state in ASKS else now_s
        ends_s = (self._retry_s, dwell_ends_s, confirm_ends_s)
        self.due_s = min((end_s for end_s in ends_s if end_s > now_s), default=NEVER_S)
