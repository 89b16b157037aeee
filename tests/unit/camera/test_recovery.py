"""Recovery steps when frames stop."""

from __future__ import annotations

import pytest

from pi_cam_node.camera.recovery import BACKOFF_S, FLAPPING_S, HEALTHY_S, RecoveryPolicy
from pi_cam_node.camera.source import Controls


def healthy() -> RecoveryPolicy:
    policy = RecoveryPolicy(lambda: 1.0)
    policy.frame_received(100)
    policy.frame_received(100 + HEALTHY_S)
    return policy


def test_the_gentlest_step_comes_first_and_patience_last() -> None:
    policy = healthy()
    steps = [policy.next_step(lost=False, killable=True) for _ in range(9)]
    assert [step for step, _ in steps] == ["reopen", "respawn"] + ["wait"] * 7
    assert [pause_s for _, pause_s in steps[2:]] == [*BACKOFF_S, BACKOFF_S[-1]]


def test_a_worker_that_is_gone_cannot_reopen() -> None:
    assert healthy().next_step(lost=True, killable=True) == ("respawn", 0.0)


def test_a_worker_that_cannot_be_killed_is_reopened_and_then_waited_for() -> None:
    policy = healthy()
    assert [policy.next_step(lost=False, killable=False)[0] for _ in range(3)] == ["reopen", "wait", "wait"]


def test_before_the_first_frames_there_is_nothing_to_get_back_to() -> None:
    assert RecoveryPolicy(lambda: 1.0).next_step(lost=False, killable=True) == ("wait", BACKOFF_S[0])


def test_a_camera_that_fails_again_soon_is_not_treated_as_healthy() -> None:
    policy = healthy()
    policy.next_step(lost=True, killable=True)
    policy.frame_received(200)
    policy.frame_received(200 + HEALTHY_S - 1)
    assert policy.next_step(lost=True, killable=True) == ("wait", BACKOFF_S[0])


def test_health_counts_from_the_first_frame_after_the_failure() -> None:
    policy = healthy()
    policy.next_step(lost=True, killable=True)
    policy.frame_received(200)
    policy.frame_received(200 + HEALTHY_S)
    assert policy.next_step(lost=False, killable=True)[0] == "reopen"


def test_pauses_bear_the_jitter() -> None:
    assert RecoveryPolicy(lambda: 1.2).next_step(lost=False, killable=True)[1] == pytest.approx(1.2 * BACKOFF_S[0])


@pytest.mark.parametrize(
    ("mode", "framerate", "exposure_us", "deadline_s"),
    [("day", 10, 2_000_000, 5), ("day", 0.5, 2_000_000, 6), ("night", 10, 2_000_000, 6), ("night", 10, 1_000_000, 5)],
)
def test_the_deadline_grows_with_interval_and_exposure(
    mode: str, framerate: float, exposure_us: int, deadline_s: float
) -> None:
    controls = Controls(mode, framerate, exposure_us, 6.0, "still")  # type: ignore[arg-type] # a literal from the table
    assert controls.deadline_s == deadline_s


def test_a_camera_that_delivers_after_each_attempt_is_not_waited_for_longer_and_longer() -> None:
    policy = healthy()
    pauses_s = []
    for number in range(9):
        policy.frame_received(200 + number)
        pauses_s.append(policy.next_step(lost=True, killable=True)[1])
    assert pauses_s == [0.0, 1.0, 2.0, *[FLAPPING_S] * 6]
    assert [policy.next_step(lost=True, killable=True)[1] for _ in range(3)] == [FLAPPING_S, 10.0, 30.0]
