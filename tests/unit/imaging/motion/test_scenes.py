"""The motion detector on synthetic scenes, with other seeds than those used for tuning."""

from __future__ import annotations

import pytest

from pi_cam_node.imaging.motion.interface import MotionReport, MotionSettings
from pi_cam_node.imaging.motion.pacing import MotionAnalysis
from tests.support.scenes import DISTURBANCES, FPS, PERSONS, Scene

# How late a person may be found, in seconds; among clouds, which are held back themselves, later.
FOUND_WITHIN_S, FOUND_AMONG_CLOUDS_S = 0.6, 1.5


def reports_of(scene: Scene, settings: MotionSettings | None = None) -> list[MotionReport]:
    analysis = MotionAnalysis(settings or MotionSettings())
    found = []
    for shot in scene:
        if shot.own:
            analysis.switched(shot.at_s)
        if analysis.wants(shot.at_s):
            report = analysis.take(shot.luma, shot.at_s, "day")
            found += [report] if report is not None else []
    return found


def motion_in(reports: list[MotionReport]) -> list[float]:
    return [report.mono_s for report in reports if any(not blob.failed for blob in report.blobs)]


@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_disturbance_is_no_motion(name: str) -> None:
    reports = reports_of(Scene(name, seed=12, quiet_s=6, long_s=5))
    assert motion_in(reports) == []


@pytest.mark.parametrize("seed", [202, 303, 505])
def test_a_lamp_that_is_switched_on_is_no_motion(seed: int) -> None:
    """It lights a third of the picture, and leaves spots with edges elsewhere."""
    reports = reports_of(Scene("lamp_on", seed=seed, quiet_s=6, long_s=4))
    assert motion_in(reports) == []
    assert any(report.gate == "light" for report in reports if 6 <= report.mono_s < 7)


@pytest.mark.parametrize(("seed", "size"), [(202, 1.2), (101, 0.85)])
def test_a_person_of_another_size_is_found(seed: int, size: float) -> None:
    scene = Scene("person", seed=seed, size=size, quiet_s=7, long_s=2)
    assert motion_in(reports_of(scene))[0] - scene.person_s <= FOUND_WITHIN_S + 1e-6


@pytest.mark.parametrize("name", PERSONS)
def test_a_person_is_found(name: str) -> None:
    scene = Scene(
        name,
        seed=12,
        quiet_s=7,
        long_s=13 if name == "person_during_clouds" else 8 if name == "person_after_switch" else 3,
    )
    times = motion_in(reports_of(scene))
    assert times
    assert times[0] >= scene.person_s
    limit_s = FOUND_AMONG_CLOUDS_S if name == "person_during_clouds" else FOUND_WITHIN_S
    assert times[0] - scene.person_s <= limit_s + 1e-6


def test_the_track_begins_with_the_picture_in_which_the_person_appeared_although_two_a_second_are_looked_at() -> None:
    scene = Scene("person", seed=12, quiet_s=7, long_s=4)
    first = next(report for report in reports_of(scene) if any(not blob.failed for blob in report.blobs))
    began_s = min(blob.began_mono_s for blob in first.blobs if not blob.failed)
    assert began_s - scene.person_s <= 0.35
    assert first.mono_s - began_s >= 0.3 - 1e-6


def test_little_is_looked_at_while_nothing_moves_and_more_once_something_does() -> None:
    scene = Scene("person", seed=12, quiet_s=14, long_s=4)
    reports = reports_of(scene)
    quiet = [report for report in reports if 11 <= report.mono_s < 14]
    moving = [report for report in reports if 15 <= report.mono_s < 17]
    assert len(quiet) == pytest.approx(3 * 2, abs=1)
    assert len(moving) == pytest.approx(2 * FPS, abs=1)


def test_what_moves_in_an_ignored_area_is_reported_and_does_not_count() -> None:
    everywhere = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    reports = reports_of(Scene("person", seed=12, quiet_s=7, long_s=4), MotionSettings(ignore=(everywhere,)))
    assert motion_in(reports) == []
    assert any(blob.failed == "mask" for report in reports for blob in report.blobs)


def test_a_less_sensitive_detector_misses_what_is_far_away_and_says_that_it_is_too_small() -> None:
    reports = reports_of(Scene("person_far", seed=12, quiet_s=7, long_s=8), MotionSettings(sensitivity=5))
    assert motion_in(reports) == []
    assert any(blob.failed == "floor" for report in reports for blob in report.blobs)


def test_a_switch_of_our_own_is_named_as_what_holds() -> None:
    reports = reports_of(Scene("own_switch", seed=12, quiet_s=7, long_s=3))
    assert {report.gate for report in reports if 7 <= report.mono_s < 8} == {"own"}
