"""Rule engine: decides which rules an occurrence triggers. No I/O: takes occurrences and times, returns firings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.rules.models import Rule

# Older occurrences are recorded, but trigger no rule.
STALE_S = 60.0


@frozen
class Occurrence:
    """An occurrence that may trigger rules.

    Attributes:
        sensor: Key of the sensor that changed; empty for an event of a camera.
        value: Whether the sensor is now on or open.
        camera: Id of the node of a camera's event; empty for a sensor.
        event: Kind of the camera's event, e.g. ``motion_started``.
        zones: Motion zones of the camera's event.
        age_s: Seconds since the occurrence.
        event_id: Id of the node's event.
    """

    sensor: str = ""
    value: bool = False
    camera: str = ""
    event: str = ""
    zones: tuple[str, ...] = ()
    age_s: float = 0.0
    event_id: str = ""


@frozen
class Firing:
    """A triggered rule, and what triggered it."""

    rule: Rule
    cause: Occurrence


class RuleEngine:
    """The rules in force, and when each fired last."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._fired_s: dict[int, float] = {}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in force, in order."""
        return self._rules

    def replace(self, rules: Sequence[Rule]) -> None:
        """Replace the rules; unchanged ones keep their cooldown."""
        pauses = [(rule, self._fired_s.get(number)) for number, rule in enumerate(self._rules)]
        self._rules, self._fired_s = tuple(rules), {}
        for number, rule in enumerate(self._rules):
            fired_s = next((s for old, s in pauses if old == rule and s is not None), None)
            if fired_s is not None:
                self._fired_s[number] = fired_s

    def firings(self, cause: Occurrence, *, mode: str, local: time, now_s: float) -> list[Firing]:
        """Return the rules that an occurrence triggers, and start their cooldowns.

        Args:
            cause: The occurrence.
            mode: ``home`` or ``away``.
            local: Local time of day.
            now_s: Monotonic seconds.
        """
        if cause.age_s > STALE_S:
            return []
        found = []
        for number, rule in enumerate(self._rules):
            if not _is_meant(rule, cause) or not rule.condition.holds(mode, local):
                continue
            fired_s = self._fired_s.get(number)
            if fired_s is not None and now_s - fired_s < rule.again_after:
                continue
            self._fired_s[number] = now_s
            found.append(Firing(rule, cause))
        return found


def _is_meant(rule: Rule, cause: Occurrence) -> bool:
    when = rule.when
    if when.sensor is not None:
        return when.sensor == cause.sensor and (when.becomes in {"open", "on"}) == cause.value
    is_there = when.camera == cause.camera and when.event == cause.event
    return is_there and (when.zone is None or when.zone in cause.zones)
