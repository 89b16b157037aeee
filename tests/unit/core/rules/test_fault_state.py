"""The last error: lasting and momentary faults, their end, and floods."""

from __future__ import annotations

from datetime import UTC, datetime

from pi_cam_node.base.errors import Code
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.core.events import FaultReported
from pi_cam_node.core.rules.fault_state import INTERVAL_S, ONCE_OVER_LASTING_S, ONCE_S, Fault, FaultState

WELL = FaultReported("ok", "")
FULL = FaultReported("no_space", "full")
UNPLUGGED = FaultReported("camera_down", "unplugged")
AT = datetime(2026, 11, 29, 14, 3, 12, tzinfo=UTC)


def fault(code: Code, message: str, at: datetime = AT) -> Fault:
    return Fault(code, message, at)


def told(faults: FaultState, now_s: float = 1e9) -> list[FaultReported]:
    assert faults.due_s <= now_s, "it was due"
    events = faults.due(now_s)
    assert faults.due_s > now_s
    return events


def test_a_fault_is_told_when_it_begins_and_when_it_ends() -> None:
    faults = FaultState()
    faults.note("camera", fault("camera_down", "unplugged"))
    assert told(faults, 0.0) == [UNPLUGGED]
    assert faults.due_s == NEVER_S
    faults.note("camera", None)
    assert told(faults, 1.0) == [WELL]
    assert (faults.due(2.0), faults.due_s, faults.current) == ([], NEVER_S, None)


def test_what_was_well_and_is_well_is_not_told() -> None:
    faults = FaultState()
    faults.note("camera", None)
    assert faults.due_s == NEVER_S


def test_the_end_of_one_fault_names_the_other() -> None:
    faults = FaultState()
    faults.note("storage", fault("no_space", "full"))
    faults.note("camera", fault("camera_down", "unplugged"))
    faults.note("camera", None)
    assert told(faults) == [FULL]


def test_forbidden_topics_are_told_last() -> None:
    faults = FaultState()
    forbidden = FaultReported("forbidden", "see its ACL")
    faults.note("camera", fault("camera_down", "unplugged"))
    faults.note("broker", fault("forbidden", "see its ACL"))
    assert told(faults, 0.0) == [UNPLUGGED]
    faults.note("camera", None)
    assert told(faults, 1.0) == [forbidden]
    faults.report(fault("retained", "a command"), 2.0)
    assert told(faults, 2.0 + INTERVAL_S) == [FaultReported("retained", "a command")]
    assert told(faults, 2.0 + ONCE_OVER_LASTING_S) == [forbidden]


def test_a_fault_that_lasts_keeps_the_time_at_which_it_began() -> None:
    faults = FaultState()
    faults.note("camera", fault("camera_down", "unplugged"))
    faults.note("camera", fault("camera_down", "unplugged", AT.replace(hour=15)))
    assert faults.current is not None
    assert faults.current.body() == {
        "code": "camera_down",
        "message": "unplugged",
        "since": "2026-11-29T14:03:12.000Z",
    }


def test_a_fault_that_happened_once_goes_after_ten_minutes() -> None:
    faults = FaultState()
    faults.report(fault("retained", "cmd/save"), 0.0)
    assert told(faults, 0.0) == [FaultReported("retained", "cmd/save")]
    assert faults.due_s == ONCE_S
    assert faults.due(ONCE_S - 1) == []
    assert told(faults, ONCE_S) == [WELL]


def test_a_fault_that_happened_once_hides_the_cause_of_a_lasting_one_for_a_minute_only() -> None:
    faults = FaultState()
    faults.note("camera", fault("camera_down", "unplugged"))
    faults.report(fault("retained", "cmd/save"), 0.0)
    assert told(faults, 0.0) == [FaultReported("retained", "cmd/save")]
    assert told(faults, ONCE_OVER_LASTING_S) == [UNPLUGGED]


def test_the_end_of_a_fault_does_not_hide_what_was_told_since() -> None:
    faults = FaultState()
    faults.note("storage", fault("no_space", "full"))
    faults.report(fault("internal", "a bug"), 0.0)
    faults.note("storage", None)
    assert told(faults, 1.0) == [FaultReported("internal", "a bug")]


def test_a_failed_save_is_over_with_the_full_disk() -> None:
    faults = FaultState()
    faults.note("storage", fault("no_space", "full"))
    faults.report(fault("no_space", "save: full"), 0.0)
    assert told(faults, 0.0) == [FaultReported("no_space", "save: full")]
    faults.note("storage", None)
    assert told(faults, 1.0) == [WELL]


def test_a_failed_save_is_over_when_one_works() -> None:
    faults = FaultState()
    faults.report(fault("not_saved", "save: read-only"), 0.0)
    assert told(faults, 0.0) == [FaultReported("not_saved", "save: read-only")]
    faults.end_once({"internal"})
    assert faults.due(1.0) == []
    faults.end_once(("not_saved", "no_space"))
    assert told(faults, 1.0) == [WELL]


def test_of_a_flood_the_newest_is_told_now_and_then() -> None:
    faults = FaultState()
    faults.report(fault("no_space", "full"), 0.0)
    assert told(faults, 0.0) == [FULL]
    for number in range(100):
        faults.report(fault("retained", str(number)), 0.0)
        assert faults.due(INTERVAL_S / 2) == []
    assert told(faults, INTERVAL_S) == [FaultReported("retained", "99")]


def test_events_that_are_not_stored_stand_behind_every_other_fault() -> None:
    faults = FaultState()
    faults.note("storage", fault("no_space", "full"))
    faults.note("events", fault("not_saved", "events are not written: disk is full"))
    assert told(faults, 0.0) == [FULL]
    faults.note("storage", None)
    assert told(faults, 1.0) == [FaultReported("not_saved", "events are not written: disk is full")]
    faults.note("events", None)
    assert told(faults, 2.0) == [WELL]
