"""The last error: faults that last, their end, and floods."""

from __future__ import annotations

from pi_cam_node.core.events import FaultReported
from pi_cam_node.core.rules.fault_state import INTERVAL_S, FaultState

WELL = FaultReported("ok", "")
FULL = FaultReported("no_space", "full")


def told(faults: FaultState) -> list[FaultReported]:
    return faults.due(1e9)


def test_a_fault_is_told_when_it_begins_and_when_it_ends() -> None:
    faults = FaultState()
    faults.note("camera", "camera_down", "unplugged")
    assert faults.due(0.0) == [FaultReported("camera_down", "unplugged")]
    faults.note("camera", "ok", "")
    assert faults.due(1.0) == [WELL]
    assert faults.due(2.0) == []


def test_what_was_well_and_is_well_is_no_news() -> None:
    faults = FaultState()
    faults.note("camera", "ok", "")
    assert told(faults) == []


def test_the_end_of_one_fault_names_the_other() -> None:
    faults = FaultState()
    faults.note("storage", "no_space", "full")
    faults.note("camera", "camera_down", "unplugged")
    faults.note("camera", "ok", "")
    assert told(faults) == [FULL]


def test_the_end_of_a_fault_does_not_hide_what_was_told_since() -> None:
    faults = FaultState()
    faults.note("storage", "no_space", "full")
    faults.report(FaultReported("unknown_verb", "nonsense"))
    faults.note("storage", "ok", "")
    assert told(faults) == [FaultReported("unknown_verb", "nonsense")]


def test_a_refused_save_is_over_with_the_full_disk() -> None:
    faults = FaultState()
    faults.note("storage", "no_space", "full")
    faults.report(FaultReported("no_space", "save: full"))
    faults.note("storage", "ok", "")
    assert told(faults) == [WELL]


def test_of_a_flood_the_newest_is_told_now_and_then() -> None:
    faults = FaultState()
    faults.report(FULL)
    assert faults.due(0.0) == [FULL]
    for number in range(100):
        faults.report(FaultReported("bad_request", str(number)))
        assert faults.due(INTERVAL_S / 2) == []
    assert faults.due(INTERVAL_S) == [FaultReported("bad_request", "99")]
