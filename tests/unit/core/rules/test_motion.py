"""Motion states from reports, overall and by zone."""

from __future__ import annotations

from typing import Any

import pytest

from pi_cam_node.config import MotionConfig
from pi_cam_node.core.rules.motion import MotionRule
from pi_cam_node.imaging.motion.interface import Blob, Failed, MotionReport

ZONES = ["left=0,0 0.5,0 0.5,1 0,1", "right=0.5,0 1,0 1,1 0.5,1"]


def blob(x: float = 0.2, failed: Failed = "") -> Blob:
    return Blob(x, 0.4, 0.05, 0.2, 0.01, 9.7, failed)


def report(at_s: float, *blobs: Blob, **fields: Any) -> MotionReport:
    told = {"gate": "", "unsettled": False, "light": 1.0, "share": 0.01, "rate_fps": 10.0, **fields}
    return MotionReport(mono_s=at_s, blobs=blobs, **told)


def rule(**fields: Any) -> MotionRule:
    return MotionRule(MotionConfig(enable=True, **fields))


def test_motion_is_on_with_the_report_that_shows_it_and_off_when_nothing_moved_for_clear_s() -> None:
    motion = rule(clear_s=5)
    seen = motion.observe(report(10.0, blob()))
    assert seen is not None
    assert (seen.began_mono_s, seen.mono_s) == (9.7, 10.0)
    assert motion.changes(10.0) == {"": True}
    assert motion.due_s == 15.0
    assert motion.changes(14.9) == {}
    assert motion.changes(15.0) == {"": False}


@pytest.mark.parametrize("failed", ["floor", "track", "mask"])
def test_a_blob_that_failed_is_no_motion(failed: Failed) -> None:
    motion = rule()
    assert motion.observe(report(10.0, blob(failed=failed))) is None
    assert motion.changes(10.0) == {}


def test_with_zones_only_what_stands_in_one_counts_and_each_has_its_own_state() -> None:
    motion = rule(zones=[ZONES[0]], clear_s=2)
    assert motion.observe(report(10.0, blob(x=0.7))) is None
    assert motion.changes(10.0) == {}
    motion.observe(report(10.1, blob(x=0.2)))
    assert motion.changes(10.1) == {"": True, "left": True}


def test_the_foot_decides_the_zone() -> None:
    motion = rule(zones=["street=0,0 1,0 1,0.5 0,0.5", "garden=0,0.5 1,0.5 1,1 0,1"])
    tall = Blob(0.4, 0.3, 0.1, 0.6, 0.06, 9.7, "")
    seen = motion.observe(report(10.0, tall))
    assert seen is not None
    assert seen.zones == ("garden",)


def test_stopping_tells_off_at_once_for_all_that_was_on() -> None:
    motion = rule(zones=ZONES)
    motion.observe(report(10.0, blob(x=0.2)))
    motion.changes(10.0)
    assert motion.stop() == {"": False, "left": False}
    assert motion.changes(10.1) == {}


def test_a_zone_that_goes_is_told_as_gone_and_a_new_one_begins_off() -> None:
    motion = rule(zones=[ZONES[0]])
    changed = motion.configure(MotionConfig(enable=True, zones=[ZONES[1]]))
    assert changed == {"left": None, "right": False}


def test_disabling_ends_motion() -> None:
    motion = rule()
    motion.observe(report(10.0, blob()))
    motion.changes(10.0)
    assert motion.configure(MotionConfig(enable=False)) == {"": False}
    assert motion.observe(report(10.1, blob())) is None


def test_explain_tells_gate_figures_and_why_each_blob_failed() -> None:
    motion = rule(zones=[ZONES[0]])
    motion.observe(report(9.0, gate="light"))
    motion.observe(report(10.0, blob(x=0.7), blob(x=0.2, failed="track"), light=1.1))
    told = motion.explain(10.5)
    assert told["armed"] is True
    assert (told["gate"], told["gate_age_s"]) == ("light", 1.5)
    assert told["light"] == 1.1
    assert [each["failed"] for each in told["blobs"]] == ["zone", "track"]  # type: ignore[attr-defined]


def test_explain_counts_how_often_detection_was_held() -> None:
    motion = rule()
    for at_s, gate in ((1.0, "start"), (1.5, "start"), (5.0, ""), (9.0, "light"), (9.1, "whole"), (12.0, "")):
        motion.observe(report(at_s, gate=gate))
    assert motion.explain(12.0)["holds"] == 2


def test_explain_says_that_nothing_was_looked_at_lately() -> None:
    motion = rule()
    motion.observe(report(10.0, blob()))
    assert motion.explain(100.0)["armed"] is False
    assert motion.explain(100.0)["blobs"] == []


def test_the_same_zone_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        MotionConfig(zones=[ZONES[0], ZONES[0]])
