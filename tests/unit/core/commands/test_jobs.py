"""Waiting jobs: limited memory, released when no longer needed."""

from __future__ import annotations

import weakref
from dataclasses import fields
from functools import partial
from typing import Any

import pytest

from pi_cam_node.base.errors import Busy
from pi_cam_node.base.threads import Job, Progress
from pi_cam_node.base.units import MIB
from pi_cam_node.config import Config
from pi_cam_node.core.commands.jobs import JobQueue
from pi_cam_node.core.commands.registry import Work
from pi_cam_node.core.commands.reply_deadlines import WORK_TIMEOUT_S
from pi_cam_node.core.events import Replied
from pi_cam_node.core.rules.memory_budget import (
    LEAST_WORK_SHARE,
    job_budget_bytes,
    ring_budget_bytes,
    video_budget_bytes,
)
from pi_cam_node.imaging.frame import Frame
from tests.support.core_harness import CoreHarness

# Its JPEGs and its pixels.
FRAME_BYTES = CoreHarness().frame().size_bytes


def harness(frames_waiting: float) -> CoreHarness:
    """Return a core whose waiting jobs may hold so many raw frames."""
    made = CoreHarness(budget_bytes=round(LEAST_WORK_SHARE * frames_waiting * FRAME_BYTES))
    made.see(10)
    return made


def begin_save(harness: CoreHarness) -> list[dict[str, Any]]:
    """Ask for a picture, let the frame for it come, and return the final replies."""
    harness.send("save")
    harness.facts.clear()
    harness.clock.advance(0.1)
    replies = [dict(fact.body) for fact in harness.step(harness.frame()) if isinstance(fact, Replied)]
    return [reply for reply in replies if reply["stage"] == "final"]


def test_raw_frames_that_wait_for_the_disk_are_bounded_by_their_bytes() -> None:
    node = harness(frames_waiting=2.5)
    assert [begin_save(node), begin_save(node)] == [[], []]
    (refused,) = begin_save(node)
    assert (refused["code"], refused["message"]) == ("busy", "NOT_SAVED")
    assert refused["data"]["waiting_bytes"] == 2 * FRAME_BYTES
    assert "ask again when they are saved" in refused["data"]["why"]
    assert [reply["code"] for reply in node.work()] == ["ok", "ok"]
    assert begin_save(node) == []


def test_frames_of_the_ring_that_wait_for_the_disk_are_bounded_by_their_bytes() -> None:
    node = harness(frames_waiting=1)
    ring_bytes = node.core.ring.size_bytes
    codes = [reply["code"] for _ in range(12) for reply in node.send("pastStack", '{"at": 0, "span_s": 60}')]
    most = FRAME_BYTES // ring_bytes
    assert (codes, len(node.jobs)) == (["busy"] * (12 - most), most)
    assert most >= 1


def test_a_picture_larger_than_all_that_may_wait_is_saved_while_nothing_waits() -> None:
    node = harness(frames_waiting=0.1)
    assert begin_save(node) == []
    assert begin_save(node)[0]["code"] == "busy"
    assert [reply["code"] for reply in node.work()] == ["ok"]
    assert begin_save(node) == []


def test_what_holds_no_picture_is_done_however_much_waits() -> None:
    node = harness(frames_waiting=0.1)
    begin_save(node)
    node.send("privacy", "on")
    assert len(node.jobs) == 2


class ObservedFrame(Frame):
    """A frame to which there may be a weak reference."""


def test_what_took_too_long_lets_go_of_its_picture_and_is_not_saved_later() -> None:
    node = harness(frames_waiting=1)
    node.send("save")
    node.clock.advance(0.1)
    plain = node.frame()
    observed = ObservedFrame(**{each.name: getattr(plain, each.name) for each in fields(Frame)})
    node.step(observed)
    held = weakref.ref(observed)
    del observed
    node.see(1)
    node.facts.clear()  # they show the frame
    assert held() is not None
    node.wait(WORK_TIMEOUT_S + 1)
    assert held() is None
    node.see(1)
    assert begin_save(node) == []
    assert [reply["code"] for reply in node.work()] == ["ok"]
    assert len(node.archive.saved) == 1


@pytest.fixture
def jobs() -> list[Job]:
    return []


@pytest.fixture
def queue(jobs: list[Job]) -> JobQueue:
    def submit(job: Job) -> int:
        jobs.append(job)
        return len(jobs)

    return JobQueue(submit, lambda: 100)


def no_progress(_done: int, _total: int) -> None:
    """Report to no one."""


def test_work_that_has_begun_counts_until_its_end_although_nobody_waits_any_more(
    queue: JobQueue, jobs: list[Job]
) -> None:
    refusals = 0

    def hang(number: int, _progress: Progress) -> str:
        nonlocal refusals
        queue.cancel(number)
        with pytest.raises(Busy):
            queue.submit(Work(lambda _progress: None, 50))
        refusals += 1
        return "saved"

    queue.submit(Work(partial(hang, 1), 60))
    assert (jobs[0](no_progress), refusals) == ("saved", 1)
    queue.submit(Work(lambda _progress: None, 90))


def test_work_that_failed_holds_nothing(queue: JobQueue, jobs: list[Job]) -> None:
    def fail(_progress: Progress) -> None:
        raise OSError("no such disk")

    queue.submit(Work(fail, 60))
    with pytest.raises(OSError, match="no such disk"):
        jobs[0](no_progress)
    queue.submit(Work(fail, 90))


def test_dropped_work_is_not_done(queue: JobQueue, jobs: list[Job]) -> None:
    done: list[str] = []
    queue.cancel(queue.submit(Work(lambda _progress: done.append("done"), 60)))
    queue.submit(Work(lambda _progress: done.append("other"), 90))
    assert [job(no_progress) for job in jobs] == [None, None]
    assert done == ["other"]


def test_work_that_holds_no_picture_is_done_although_nobody_waits_any_more(queue: JobQueue, jobs: list[Job]) -> None:
    queue.cancel(queue.submit(Work(lambda _progress: "remembered")))
    assert jobs[0](no_progress) == "remembered"


@pytest.mark.parametrize("budget_mib", [16, 56, 128, 256, 2048])
def test_what_waits_has_what_the_rest_leaves_and_an_eighth_at_least(budget_mib: int) -> None:
    config, frame_bytes, budget = Config(), 1280 * 720 * 3, budget_mib * MIB
    room = job_budget_bytes(config, frame_bytes, budget)
    packets_bytes = video_budget_bytes(config, budget)
    rest = budget - ring_budget_bytes(config, frame_bytes, budget) - 13 * frame_bytes - 4 * MIB - packets_bytes
    assert room == max(rest, budget // LEAST_WORK_SHARE)
