"""The worker thread."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from functools import partial

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import Busy, NoSpace
from pi_cam_node.base.threads import Job, Progress
from pi_cam_node.core.inbox import MESSAGES_WAITING, Inbox
from pi_cam_node.core.inputs import Input, WorkAdvanced, WorkEnded
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.runtime.worker import JOBS_WAITING, Worker
from tests.support.fakes.clock import FakeClock

PATIENCE_S = 60.0


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def worker(inbox: Inbox) -> Iterator[Worker]:
    made = Worker(inbox, SystemClock())
    made.start()
    yield made
    made.stop(PATIENCE_S)


def ended(inbox: Inbox) -> WorkEnded:
    """Wait for the next message and return it; it has to be the end of a job."""
    message = inbox.take(PATIENCE_S)
    assert isinstance(message, WorkEnded), message
    return message


def returning(result: object) -> Job:
    return lambda _progress: result


def raising(error: BaseException) -> Job:
    def job(_progress: Progress) -> None:
        raise error

    return job


class Gate:
    """A job that runs until it is told to end."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._open = threading.Event()

    def __call__(self, _progress: Progress) -> str:
        self.entered.set()
        assert self._open.wait(PATIENCE_S)
        return "let go"

    def let_go(self) -> None:
        self._open.set()


def test_what_a_job_returns_arrives_under_its_number(worker: Worker, inbox: Inbox) -> None:
    numbers = [worker.submit(returning(name)) for name in ("a", "b")]
    assert len(set(numbers)) == 2
    assert [ended(inbox), ended(inbox)] == [WorkEnded(numbers[0], "a"), WorkEnded(numbers[1], "b")]


def test_jobs_run_one_at_a_time_in_order_on_the_named_thread(worker: Worker, inbox: Inbox) -> None:
    def named(number: int, _progress: Progress) -> tuple[int, str]:
        return number, threading.current_thread().name

    for number in range(10):
        worker.submit(partial(named, number))
    assert [ended(inbox).result for _ in range(10)] == [(number, "worker") for number in range(10)]


def test_a_failed_job_arrives_as_its_error_without_a_traceback_in_the_log(
    worker: Worker, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    error = NoSpace("the disk is full")
    work = worker.submit(raising(error))
    assert ended(inbox) == WorkEnded(work, error=error)
    assert caplog.text == ""


def test_a_bug_in_a_job_arrives_and_is_logged_with_its_traceback(
    worker: Worker, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    error = KeyError("no such thing")
    work = worker.submit(raising(error))
    assert ended(inbox) == WorkEnded(work, error=error)
    assert "Traceback" in caplog.text
    assert "no such thing" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError(), RecursionError()])
def test_no_job_ends_the_thread(worker: Worker, inbox: Inbox, error: BaseException) -> None:
    worker.submit(raising(error))
    assert isinstance(ended(inbox).error, Exception)
    worker.submit(returning("alive"))
    assert ended(inbox).result == "alive"


def test_the_seventeenth_waiting_job_is_refused_at_once_and_the_others_run(worker: Worker, inbox: Inbox) -> None:
    gate = Gate()
    worker.submit(gate)
    assert gate.entered.wait(PATIENCE_S)
    for number in range(JOBS_WAITING):
        worker.submit(returning(number))
    with pytest.raises(Busy, match="16 jobs"):
        worker.submit(returning("too much"))
    gate.let_go()
    assert [ended(inbox).result for _ in range(JOBS_WAITING + 1)] == ["let go", *range(JOBS_WAITING)]


def test_progress_is_posted_at_most_twice_a_second(inbox: Inbox) -> None:
    clock = FakeClock()

    def job(progress: Progress) -> None:
        for done in range(1, 101):
            clock.advance(0.1)
            progress(done, 100)

    worker = Worker(inbox, clock)
    worker.start()
    work = worker.submit(job)
    told: list[Input | Frame | None] = []
    while not told or isinstance(told[-1], WorkAdvanced):
        told.append(inbox.take(PATIENCE_S))
    worker.stop(PATIENCE_S)
    posted = [message.done for message in told if isinstance(message, WorkAdvanced)]
    assert told[0] == WorkAdvanced(work, posted[0], 100)
    assert told[-1] == WorkEnded(work)
    assert all(later - earlier >= 5 for earlier, later in zip([0, *posted], posted, strict=False))
    assert 15 <= len(posted) <= 20


def test_a_full_inbox_delays_the_end_of_a_job_and_does_not_lose_it(
    worker: Worker, inbox: Inbox, mocker: MockerFixture
) -> None:
    while inbox.put(WorkAdvanced(0, 0, 0)):
        pass
    put, tried = inbox.put, threading.Semaphore(0)

    def put_and_count(message: Input) -> bool:
        tried.release()
        return put(message)

    mocker.patch.object(inbox, "put", put_and_count)
    work = worker.submit(returning("at last"))
    for _ in range(3):  # the worker keeps trying
        assert tried.acquire(timeout=PATIENCE_S)
    for _ in range(MESSAGES_WAITING):
        assert isinstance(inbox.take(0.0), WorkAdvanced)
    assert ended(inbox) == WorkEnded(work, "at last")


def test_stopping_finishes_what_runs_and_what_waits(inbox: Inbox) -> None:
    worker = Worker(inbox, SystemClock())
    gate = Gate()
    worker.submit(gate)
    waiting = [worker.submit(returning(number)) for number in range(JOBS_WAITING - 1)]
    worker.start()
    gate.let_go()
    assert worker.stop(PATIENCE_S) == ()
    assert [ended(inbox).work for _ in range(JOBS_WAITING)][1:] == waiting
    assert not any(thread.name == "worker" for thread in threading.enumerate())


def test_stopping_gives_up_at_the_deadline_and_names_what_was_not_done(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(inbox, SystemClock())
    gate = Gate()
    worker.start()
    running = worker.submit(gate)
    assert gate.entered.wait(PATIENCE_S)
    waiting = [worker.submit(returning(number)) for number in range(JOBS_WAITING)]
    with caplog.at_level(logging.WARNING):
        assert worker.stop(0.05) == (running, *waiting)
    assert "17 jobs not done" in caplog.text
    gate.let_go()
    assert ended(inbox).work == running
    assert inbox.take(0.1) is None


def test_nothing_is_taken_after_a_stop(inbox: Inbox) -> None:
    worker = Worker(inbox, SystemClock())
    worker.start()
    assert worker.stop(PATIENCE_S) == ()
    with pytest.raises(Busy, match="stopping"):
        worker.submit(returning(None))
    assert worker.stop(PATIENCE_S) == ()


def test_a_worker_that_never_started_names_what_waits(inbox: Inbox) -> None:
    worker = Worker(inbox, SystemClock())
    work = worker.submit(returning(None))
    assert worker.stop(PATIENCE_S) == (work,)


def test_what_a_job_held_is_free_when_it_has_ended(worker: Worker, inbox: Inbox) -> None:
    gate, gone = Gate(), threading.Event()
    gate.let_go()
    weakref.finalize(gate, gone.set)
    worker.submit(gate)
    del gate
    ended(inbox)
    assert gone.wait(PATIENCE_S)
