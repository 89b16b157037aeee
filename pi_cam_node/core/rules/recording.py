"""Recording rule: decides which time spans are recorded. No I/O: takes events and commands, returns orders.

An event is recorded from ``pre_roll_s`` before its begin to ``post_roll_s`` after its end, longer if the next one
begins before that. A manual recording has priority over everything but privacy. Between events a continuous recording
runs at a lower rate. Times are monotonic, in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config.sections.video import RecordingConfig

EndReason = Literal["end", "max_s", "camera_lost", "privacy", "stopped", "no_space", "not_saved", "encoder", "settings"]


@frozen
class RecordingOrder:
    """Order to record a span of time.

    Attributes:
        event_id: Id of its event; empty for a continuous recording.
        cause: ``motion``, ``trigger``, ``record`` or ``continuous``.
        from_mono_s: Begin at this monotonic time, or with the oldest picture.
        event_mono_s: Begin of the event, monotonic; earlier pictures are the pre-roll.
    """

    event_id: str
    cause: str
    from_mono_s: float
    event_mono_s: float


@frozen
class Begin:
    """Begin an order; a running recording ends there."""

    order: RecordingOrder


@frozen
class End:
    """End the newest order at a time, or (``at_once``) immediately."""

    mono_s: float
    reason: EndReason
    at_once: bool = False


Step = Begin | End


class RecordingRule:
    """Decides what is recorded. Used by one thread."""

    def __init__(self, config: RecordingConfig) -> None:
        self._config = config
        self._order: RecordingOrder | None = None
        # Open events with their kinds: those that are recorded, and those that are not because the mode is off.
        self._open: dict[str, str] = {}
        self._left_out: dict[str, str] = {}
        self._tail_s: float | None = None
        self._online = False
        self._steps: list[Step] = []

    @property
    def due_s(self) -> float:
        """Time at which the recording of the last event ends."""
        return float("inf") if self._tail_s is None else self._tail_s

    @property
    def order(self) -> RecordingOrder | None:
        """The present or next order."""
        return self._order

    def covers(self, event_id: str) -> bool:
        """Return whether an event is open and recorded."""
        return event_id in self._open

    def steps(self) -> list[Step]:
        """Return the orders for the recorder that follow from the inputs since the last call."""
        steps, self._steps = self._steps, []
        return steps

    def configure(self, config: RecordingConfig, now_s: float) -> None:
        """Apply new settings.

        A change of the mode applies to open events, too: off ends their recording, and on begins it now. A continuous
        recording goes on in a new film where the settings change its pictures.
        """
        before, order = self._config, self._order
        self._config = config
        if config.mode == "off" != before.mode:
            self._leave_out(now_s)
        elif config.mode != "off" and self._left_out:
            self._record_left_out(now_s)
        self._settle(now_s)
        is_changed = (before.idle_fps, before.quality) != (config.idle_fps, config.quality)
        if is_changed and order is not None and order is self._order and order.cause == "continuous":
            self._begin(RecordingOrder("", "continuous", now_s, now_s))

    def began(self, event_id: str, kind: str, began_s: float) -> float:
        """Process the begin of an event; return the seconds of pre-roll, 0 if it is not recorded."""
        if kind != "record" and self._config.mode == "off":
            self._left_out[event_id] = kind
            return 0.0
        is_running = bool(self._open) or self._tail_s is not None
        self._open[event_id] = kind
        if is_running:  # one time span
            self._tail_s = None
            return self._config.pre_roll_s
        self._begin(RecordingOrder(event_id, kind, began_s - self._config.pre_roll_s, began_s))
        return self._config.pre_roll_s

    def ended(self, event_id: str, at_s: float, *, by_hand: bool = False) -> None:
        """Process the end of an event; ``by_hand``: by a command, which ends the recording now."""
        self._left_out.pop(event_id, None)
        if self._open.pop(event_id, None) is not None and not self._open:
            self._tail_s = at_s if by_hand else at_s + self._config.post_roll_s

    def on_time(self, now_s: float) -> None:
        """End a recording that is due to end."""
        if self._tail_s is not None and now_s >= self._tail_s:
            self._steps.append(End(self._tail_s, "end"))
            self._order = self._tail_s = None
            self._settle(now_s)

    def camera(self, *, online: bool, now_s: float) -> None:
        """Process a change of the camera's availability; its loss ends the recording."""
        self._online = online
        if not online and self._order is not None:
            self._steps.append(End(now_s, "camera_lost"))
            self._forget()
        self._settle(now_s)

    def privacy(self) -> None:
        """End every recording, because privacy was switched on; films on disk are kept."""
        self._online = False
        if self._order is not None:
            self._steps.append(End(float("-inf"), "privacy", at_once=True))
        self._forget()

    def explain(self, now_s: float, *, has_motion: bool) -> Mapping[str, object]:
        """Return the present recording and its cause, or why there is none; ``has_motion``: motion is looked for."""
        order = self._order
        return {
            "mode": self._config.mode,
            "cause": order.cause if order else None,
            "since_s": round(now_s - order.event_mono_s, 1) if order else None,
            "pre_roll_s": self._config.pre_roll_s,
            "ends_in_s": None if self._tail_s is None else round(max(0.0, self._tail_s - now_s), 1),
            "why_not": self._why_not(has_motion=has_motion),
        }

    def _why_not(self, *, has_motion: bool) -> str | None:
        if self._order is not None:
            return None
        if not self._online:
            return "no frames arrive from the camera"
        if self._config.mode == "off":
            return "recording.mode is off"
        return "nothing moves" if has_motion else "motion.enable is off"

    def _settle(self, now_s: float) -> None:
        """Begin or end the continuous recording according to the settings."""
        wanted = self._config.mode == "continuous" and self._online
        if wanted and self._order is None:
            self._begin(RecordingOrder("", "continuous", now_s, now_s))
        elif not wanted and self._order is not None and self._order.cause == "continuous":
            self._steps.append(End(now_s, "end"))
            self._order = None

    def _leave_out(self, now_s: float) -> None:
        """End the recording of all events that were not asked for by hand."""
        left_out = {event_id: kind for event_id, kind in self._open.items() if kind != "record"}
        self._left_out |= left_out
        self._open = {event_id: kind for event_id, kind in self._open.items() if kind == "record"}
        is_by_hand = self._order is not None and self._order.cause == "record" and not left_out
        if (left_out or self._tail_s is not None) and not self._open and not is_by_hand:
            self._tail_s = now_s
            self.on_time(now_s)

    def _record_left_out(self, now_s: float) -> None:
        """Record the events that began while the mode was off, from now on."""
        event_id, kind = next(iter(self._left_out.items()))
        is_running = bool(self._open) or self._tail_s is not None
        self._open |= self._left_out
        self._left_out.clear()
        self._tail_s = None
        if not is_running:
            self._begin(RecordingOrder(event_id, kind, now_s, now_s))

    def _begin(self, order: RecordingOrder) -> None:
        self._order = order
        self._steps.append(Begin(order))

    def _forget(self) -> None:
        self._order = self._tail_s = None
        self._open.clear()
        self._left_out.clear()
