"""Matching of rules."""

from __future__ import annotations

from datetime import time

import pytest
from pydantic import ValidationError

from pi_cam_node.console.rules.engine import Occurrence, RuleEngine
from pi_cam_node.console.rules.models import Condition, Rule

NOON = time(12, 0)
OPENED = Occurrence(sensor="door", value=True)


def rule(**more: object) -> Rule:
    return Rule.model_validate({"when": {"sensor": "door", "becomes": "open"}, "do": [{"save": "porch"}], **more})


def fired(engine: RuleEngine, cause: Occurrence, now_s: float = 0.0, mode: str = "home", local: time = NOON) -> int:
    return len(engine.firings(cause, mode=mode, local=local, now_s=now_s))


def test_a_door_that_opens_fires_and_one_that_closes_does_not() -> None:
    engine = RuleEngine([rule()])
    assert fired(engine, Occurrence(sensor="door", value=False)) == 0
    assert fired(engine, Occurrence(sensor="window", value=True)) == 0
    assert fired(engine, OPENED) == 1


def test_a_chattering_door_fires_once_in_its_time() -> None:
    engine = RuleEngine([rule(again_after=60)])
    assert [fired(engine, OPENED, now_s) for now_s in (0.0, 0.02, 59.9, 60.0, 61.0)] == [1, 0, 0, 1, 0]


def test_what_is_older_than_a_minute_fires_nothing() -> None:
    engine = RuleEngine([rule()])
    assert fired(engine, Occurrence(sensor="door", value=True, age_s=60.1)) == 0
    assert fired(engine, Occurrence(sensor="door", value=True, age_s=59.9)) == 1


def test_a_refused_occurrence_begins_no_pause() -> None:
    engine = RuleEngine([rule(**{"if": {"mode": "away"}})])
    assert fired(engine, OPENED, 0.0, "home") == 0
    assert fired(engine, OPENED, 1.0, "away") == 1


@pytest.mark.parametrize(
    ("between", "local", "holds"),
    [
        (("22:00", "06:00"), time(23, 0), True),
        (("22:00", "06:00"), time(5, 59, 59), True),
        (("22:00", "06:00"), time(6, 0), False),
        (("22:00", "06:00"), time(21, 59), False),
        (("08:00", "17:30"), time(8, 0), True),
        (("08:00", "17:30"), time(17, 30), False),
    ],
)
def test_a_span_of_the_day_may_pass_midnight(between: tuple[str, str], local: time, holds: bool) -> None:
    assert Condition(between=between).holds("home", local) is holds


def test_motion_fires_in_its_zone() -> None:
    wanted = Rule.model_validate(
        {"when": {"camera": "hall", "event": "motion_started", "zone": "door"}, "do": [{"push": ["anna"]}]}
    )
    engine = RuleEngine([wanted])
    seen = Occurrence(camera="hall", event="motion_started", zones=("window",))
    assert fired(engine, seen) == 0
    assert fired(engine, Occurrence(camera="hall", event="motion_started", zones=("window", "door"))) == 1


def test_a_rule_that_stays_keeps_its_pause_when_others_change() -> None:
    engine = RuleEngine([rule(name="a"), rule(name="b")])
    assert fired(engine, OPENED, 0.0) == 2
    engine.replace([rule(name="c"), rule(name="b")])
    assert [f.rule.name for f in engine.firings(OPENED, mode="home", local=NOON, now_s=1.0)] == ["c"]


@pytest.mark.parametrize(
    "told",
    [
        {"when": {"sensor": "door"}, "do": [{"save": "a"}]},
        {
            "when": {"sensor": "door", "becomes": "open", "camera": "a", "event": "motion_started"},
            "do": [{"save": "a"}],
        },
        {"when": {"sensor": "door", "becomes": "ajar"}, "do": [{"save": "a"}]},
        {"when": {"sensor": "door", "becomes": "open"}, "do": []},
        {"when": {"sensor": "door", "becomes": "open"}, "do": [{"save": "a", "push": ["b"]}]},
        {"when": {"sensor": "door", "becomes": "open"}, "do": [{"save": "a", "at": 2}]},
        {"when": {"sensor": "door", "becomes": "open"}, "do": [{"run": "rm"}]},
        {"when": {"sensor": "door", "becomes": "open"}, "if": {"between": ["25:00", "1:00"]}, "do": [{"save": "a"}]},
    ],
)
def test_what_makes_no_sense_is_no_rule(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(told)
