"""The camera's controller, with a fake worker and clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.camera.controller import CameraController
from pi_cam_node.camera.desired_state import DesiredState
from pi_cam_node.camera.freeze_detector import BLANK
from pi_cam_node.camera.recovery import BACKOFF_S, HEALTHY_S
from pi_cam_node.camera.source import Controls
from pi_cam_node.camera.timeouts import FIRST_FRAME_S, OPEN_S, REOPEN_S, STUCK_S, SWITCH_S
from pi_cam_node.camera.worker.messages import Applied, Configure, Failed, Open, Order, Output, Refused
from pi_cam_node.config import CameraConfig
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import NO_FRAMES, NOT_OPENED, CameraFailed, CameraOpened, Input, PictureBlank, SwitchFailed
from pi_cam_node.imaging.frame import Frame, Mode
from pi_cam_node.imaging.jpeg import Pixels
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.worker import OPENED, FakeWorker

DAY = Controls("day", 10.0, 2_000_000, 6.0, "still")
NIGHT = replace(DAY, mode="night")
DEADLINE_S = 5.0


class Bench:
    """A controller with all that it touches."""

    def __init__(self, *, killable: bool = True) -> None:
        self.clock = FakeClock()
        self.inbox = Inbox()
        self.workers: list[FakeWorker] = []
        self.killable = killable
        self.no_process: str | None = None
        self.desired = DesiredState(CameraConfig(source="synthetic"), DAY)
        self.controller = CameraController(self.desired, self._launch, self.inbox, self.clock, lambda: 1.0)
        self.told: list[Input] = []
        self.frames: list[Frame] = []

    def _launch(self) -> FakeWorker:
        if self.no_process:
            raise OSError(self.no_process)
        self.workers.append(FakeWorker(killable=self.killable))
        return self.workers[-1]

    @property
    def worker(self) -> FakeWorker:
        return self.workers[-1]

    @property
    def steps(self) -> list[str]:
        return [each.step for each in self.told if isinstance(each, CameraFailed)]

    def step(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.controller.reconcile(self.desired)
        self.controller.step()
        while (taken := self.inbox.take(0)) is not None:
            if isinstance(taken, Frame):
                self.frames.append(taken)
            else:
                self.told.append(taken)

    def image(self, mode: Mode = "day", skipped: int = 0) -> None:
        self.worker.say_image(self.clock.monotonic(), mode, skipped)
        self.step()

    def run(self, seconds: float = HEALTHY_S) -> None:
        """Open the camera and let it deliver for a while."""
        self.step()
        self.worker.say_ready()
        self.step()
        self.image()
        for _ in range(round(seconds)):
            self.clock.advance(1)
            self.image()
        self.told.clear()

    def set_controls(self, controls: Controls) -> None:
        self.desired = replace(self.desired, controls=controls, generation=self.desired.generation + 1)
        self.step()

    def configure(self, **changes: object) -> None:
        self.desired = replace(self.desired, camera=self.desired.camera.model_copy(update=changes))
        self.step()


@pytest.fixture
def bench() -> Bench:
    return Bench()


# ---------------------------------------------------------------- while all is well


def test_the_camera_is_opened_as_wished_and_said_to_be_open(bench: Bench) -> None:
    bench.step()
    assert bench.worker.last_open == Open(1, bench.desired.camera, DAY)
    bench.worker.say_ready()
    bench.step()
    assert bench.told == [CameraOpened("synthetic", (64, 48), controls=True)]
    assert not bench.frames
    bench.image()
    assert len(bench.frames) == 1


def test_frames_carry_the_facts_of_their_images(bench: Bench) -> None:
    bench.run(1)
    first, second = bench.frames
    assert (first.seq, second.seq) == (1, 2)
    assert second.captured_mono_s - first.captured_mono_s == 1
    assert (second.captured_at - first.captured_at).total_seconds() == 1
    assert first.mode == "day"
    assert first.size == (64, 48)


def test_frame_numbers_grow_over_restarts(bench: Bench) -> None:
    bench.run()
    bench.worker.lost = "it died"
    bench.step()
    bench.worker.say_ready()
    bench.step()
    bench.image()
    numbers = [frame.seq for frame in bench.frames]
    assert numbers == list(range(1, len(numbers) + 1))


def test_wishes_reach_the_worker_at_once_and_images_tell_when_they_are_met(bench: Bench) -> None:
    bench.run()
    bench.set_controls(NIGHT)
    assert [apply.controls for apply in bench.worker.applies] == [NIGHT]
    bench.image("day")
    bench.worker.reports.append(Applied(1))
    bench.image("night")
    assert [frame.mode for frame in bench.frames[-2:]] == ["day", "night"]


def test_a_wish_that_came_while_the_camera_was_opening_is_applied_afterwards(bench: Bench) -> None:
    bench.step()
    bench.set_controls(NIGHT)
    assert bench.worker.applies == []
    bench.worker.say_ready()
    bench.step()
    assert [apply.controls for apply in bench.worker.applies] == [NIGHT]


def test_a_change_of_the_processing_reaches_a_camera_that_runs_or_is_opening(bench: Bench) -> None:
    def ordered(quality: int) -> list[Order]:
        bench.desired = replace(bench.desired, output=Output(quality))
        sent = len(bench.worker.orders)
        bench.step()
        return bench.worker.orders[sent:]

    bench.step()
    assert ordered(50) == [Configure(Output(50))], "the order to open holds the former quality"
    bench.worker.say_ready()
    bench.step()
    bench.image()
    assert ordered(60) == [Configure(Output(60))]
    assert ordered(60) == []


def test_wishes_are_remembered_when_the_camera_is_opened_again(bench: Bench) -> None:
    bench.run()
    bench.set_controls(NIGHT)
    bench.worker.lost = "it died"
    bench.step()
    assert len(bench.workers) == 2
    assert bench.worker.last_open.controls == NIGHT


def test_a_refused_switch_is_told_and_the_camera_goes_on(bench: Bench) -> None:
    bench.run()
    bench.set_controls(NIGHT)
    bench.worker.reports.append(Refused(1, "night", "no memory"))
    bench.image("day")
    assert bench.told == [SwitchFailed("night", "no memory")]
    assert bench.frames[-1].mode == "day"
    bench.set_controls(NIGHT)
    assert [apply.generation for apply in bench.worker.applies] == [1, 2]


def test_a_camera_that_refused_a_mode_is_opened_again_in_the_one_it_had(bench: Bench) -> None:
    bench.run()
    bench.set_controls(NIGHT)
    bench.worker.reports.append(Refused(1, "night", "no memory"))
    bench.step()
    bench.worker.lost = "it died"
    bench.step()
    assert bench.worker.last_open.controls == DAY
    bench.worker.say_ready()
    bench.step()
    assert bench.worker.applies == []
    bench.set_controls(NIGHT)
    assert [apply.controls for apply in bench.worker.applies] == [NIGHT]


def test_a_switch_may_take_longer_than_a_frame(bench: Bench) -> None:
    bench.run()
    bench.set_controls(NIGHT)
    assert NIGHT.hidden_s > SWITCH_S
    bench.step(6 + NIGHT.hidden_s - 0.1)
    assert bench.told == []
    bench.step(0.1)
    assert bench.steps == ["reopen"]


def test_a_camera_that_hides_its_first_night_frames_is_left_alone(bench: Bench) -> None:
    bench.run()
    bench.set_controls(NIGHT)
    bench.step(1.5)
    bench.worker.reports.append(Applied(bench.desired.generation))
    bench.step()
    bench.step(17)
    bench.image()
    assert bench.told == []


def test_another_size_opens_the_camera_again_without_a_failure(bench: Bench) -> None:
    bench.run()
    bench.configure(width=640, height=480)
    assert bench.worker.last_open.session == 2
    assert bench.worker.last_open.camera.width == 640
    assert bench.told == []
    assert len(bench.workers) == 1


def test_images_of_the_session_before_are_not_taken_for_those_of_the_new_one(bench: Bench) -> None:
    bench.run()
    count = len(bench.frames)
    bench.worker.say_image(bench.clock.monotonic())
    stale = bench.worker.reports.pop()
    bench.configure(width=640)
    bench.worker.say_ready()
    bench.worker.reports.append(stale)
    bench.step()
    assert len(bench.frames) == count


def test_another_rate_alone_does_not_open_the_camera_again(bench: Bench) -> None:
    bench.run()
    bench.configure(framerate=5.0)
    assert bench.worker.last_open.session == 1


def test_images_that_found_no_slot_are_counted_over_all_sessions(bench: Bench) -> None:
    bench.run()
    bench.image(skipped=3)
    bench.configure(width=640)
    bench.worker.say_ready()
    bench.step()
    bench.image(skipped=2)
    assert bench.controller.skipped == 5


# ---------------------------------------------------------------- when frames stop


def test_silence_is_told_within_the_deadline_and_the_camera_reopened(bench: Bench) -> None:
    bench.run()
    bench.step(DEADLINE_S - 0.1)
    assert bench.told == []
    bench.step(0.1)
    assert bench.told == [CameraFailed(NO_FRAMES, "reopen", 0)]
    assert bench.worker.last_open.session == 2


def test_a_worker_that_does_not_reopen_is_replaced(bench: Bench) -> None:
    bench.run()
    bench.step(DEADLINE_S)
    bench.step(REOPEN_S)
    assert bench.steps == ["reopen", "respawn"]
    assert bench.workers[0].ended
    assert len(bench.workers) == 2
    assert bench.controller.restarts == 1


def test_a_camera_that_stays_away_is_tried_for_ever_with_growing_pauses(bench: Bench) -> None:
    bench.step()
    pauses = []
    for _ in range(9):
        bench.worker.reports.append(Failed(bench.worker.last_open.session, "no camera"))
        bench.step()
        pauses.append(bench.controller.wait_s)
        assert bench.worker.ended
        bench.step(pauses[-1])
    assert pauses == [*BACKOFF_S, *[BACKOFF_S[-1]] * 3]
    assert len(bench.workers) == 10


def test_the_same_failure_is_told_once_until_there_are_frames_again(bench: Bench) -> None:
    bench.step()
    for _ in range(3):
        bench.worker.reports.append(Failed(bench.worker.last_open.session, "no camera"))
        bench.step()
        bench.step(60)
    assert bench.told == [CameraFailed("no camera", "wait", 0)]
    bench.worker.say_ready()
    bench.step()
    bench.image()
    bench.worker.reports.append(Failed(bench.worker.last_open.session, "no camera"))
    bench.step()
    assert bench.steps == ["wait", "wait"]


def test_another_reason_is_told(bench: Bench) -> None:
    bench.step()
    for reason in ("no camera", "no camera", "busy"):
        bench.worker.reports.append(Failed(bench.worker.last_open.session, reason))
        bench.step()
        bench.step(60)
    assert [each.reason for each in bench.told if isinstance(each, CameraFailed)] == ["no camera", "busy"]


def test_a_worker_that_dies_is_replaced_at_once(bench: Bench) -> None:
    bench.run()
    bench.worker.lost = "the camera process was ended by SIGKILL"
    bench.step()
    assert bench.told == [CameraFailed("the camera process was ended by SIGKILL", "respawn", 0)]
    assert len(bench.workers) == 2


def test_a_first_opening_that_takes_too_long_is_given_up(bench: Bench) -> None:
    bench.step()
    bench.step(OPEN_S - 0.1)
    assert bench.told == []
    bench.step(0.1)
    assert bench.told == [CameraFailed(NOT_OPENED, "wait", 0)]
    assert bench.worker.ended


def test_a_first_frame_may_take_longer_than_the_ones_after_it(bench: Bench) -> None:
    bench.step()
    bench.worker.say_ready()
    bench.step()
    bench.step(FIRST_FRAME_S + DAY.hidden_s - 0.1)
    assert bench.steps == []
    bench.step(0.1)
    assert bench.steps == ["wait"]


def test_where_no_process_can_be_started_it_is_tried_again(bench: Bench) -> None:
    bench.no_process = "Cannot allocate memory"
    bench.step()
    assert bench.told == [CameraFailed("the camera process cannot be started: Cannot allocate memory", "wait", 0)]
    bench.no_process = None
    bench.step(BACKOFF_S[0])
    assert len(bench.workers) == 1


def test_impossible_times_are_a_failure_and_nothing_worse(bench: Bench) -> None:
    bench.run()
    bench.worker.say_image(bench.clock.monotonic() + 3600)
    bench.step()
    assert bench.steps == ["reopen"]
    assert bench.frames[-1].captured_mono_s <= bench.clock.monotonic()


def test_another_source_ends_a_pause(bench: Bench) -> None:
    bench.step()
    bench.worker.reports.append(Failed(1, "no camera"))
    bench.step()
    bench.configure(width=640)
    assert len(bench.workers) == 2
    assert bench.worker.last_open.camera.width == 640


def test_what_a_worker_says_after_it_failed_changes_nothing(bench: Bench) -> None:
    bench.step()
    bench.worker.reports += [Failed(1, "first"), Failed(1, "second")]
    bench.step()
    assert bench.told == [CameraFailed("first", "wait", 0)]


def test_a_fault_of_the_keeper_itself_is_a_failure_like_others(bench: Bench) -> None:
    bench.run()
    bench.controller.restart("an internal fault")
    bench.step()
    assert bench.steps == ["respawn"]


def test_closing_ends_the_worker(bench: Bench) -> None:
    bench.run()
    bench.controller.close(1)
    assert bench.worker.ended
    assert bench.controller.pid is None


# ---------------------------------------------------------------- in the node's own process


def test_a_thread_that_hangs_is_never_replaced() -> None:
    bench = Bench(killable=False)
    bench.run()
    bench.step(DEADLINE_S)
    for _ in range(8):
        bench.step(bench.controller.wait_s)
    assert bench.steps[0] == "reopen"
    assert set(bench.steps[1:]) == {"wait"}
    assert len(bench.workers) == 1
    assert not bench.worker.ended


def test_a_thread_that_hangs_is_kept_even_after_a_fault_of_the_keeper() -> None:
    bench = Bench(killable=False)
    bench.run()
    bench.worker.ends = False
    bench.controller.restart("an internal fault")
    bench.step(60)
    assert len(bench.workers) == 1
    assert bench.worker.last_open.session == 2


def test_a_thread_that_comes_to_life_again_is_used() -> None:
    bench = Bench(killable=False)
    bench.run()
    bench.step(DEADLINE_S)
    bench.step(REOPEN_S)
    bench.step(bench.controller.wait_s)
    bench.worker.say_ready()
    bench.step()
    delivered = len(bench.frames)
    bench.image()
    assert len(bench.frames) == delivered + 1


def test_a_thread_that_does_not_answer_is_stuck_after_a_while_and_only_then() -> None:
    bench = Bench(killable=False)
    bench.run()
    bench.step(DEADLINE_S)
    assert not bench.controller.is_stuck
    bench.step(STUCK_S - 1)
    assert not bench.controller.is_stuck
    bench.step(2)
    assert bench.controller.is_stuck
    bench.worker.say_ready()
    bench.step()
    assert not bench.controller.is_stuck


def test_a_camera_that_is_away_for_long_is_not_stuck() -> None:
    bench = Bench(killable=False)
    bench.run()
    for _ in range(10):
        bench.worker.reports.append(Failed(bench.worker.last_open.session, "unplugged"))
        bench.step(bench.controller.wait_s)
        bench.step(STUCK_S - 1)
        assert not bench.controller.is_stuck


def test_a_process_is_never_stuck_since_it_can_be_killed() -> None:
    bench = Bench()
    bench.run()
    for _ in range(10):
        bench.step(bench.controller.wait_s)
        assert not bench.controller.is_stuck


# ---------------------------------------------------------------- when frames lie


def stare(bench: Bench, seconds: int, pixels: Pixels) -> None:
    """Let the camera deliver one and the same picture."""
    for _ in range(seconds):
        bench.clock.advance(1)
        bench.worker.say_image(bench.clock.monotonic(), pixels=pixels)
        bench.step()


def test_a_frozen_picture_is_told_and_the_camera_opened_again(bench: Bench) -> None:
    bench.run()
    still = np.random.default_rng(1).integers(0, 256, (72, 64), np.uint8)
    stare(bench, 33, still)
    failures = [each for each in bench.told if isinstance(each, CameraFailed)]
    assert [(each.reason[:6], each.step) for each in failures] == [("frozen", "reopen")]
    assert "(camera.frozen_after_s)" in failures[0].reason, "a still scene is no fault: the remedy is the setting"


def test_the_same_frozen_picture_after_opening_again_is_no_frame(bench: Bench) -> None:
    bench.run()
    still = np.random.default_rng(1).integers(0, 256, (72, 64), np.uint8)
    stare(bench, 33, still)
    delivered = len(bench.frames)
    bench.worker.say_ready()
    bench.step()
    stare(bench, 1, still)
    assert (bench.steps, len(bench.frames)) == (["reopen", "respawn"], delivered)
    bench.worker.say_ready()
    bench.step()
    bench.image()
    assert len(bench.frames) == delivered + 1


def test_a_blank_picture_is_told_once_and_the_camera_is_left_alone(bench: Bench) -> None:
    bench.run()
    stare(bench, 60, np.zeros((72, 64), np.uint8))
    assert bench.told == [PictureBlank(BLANK)]
    bench.image()
    assert bench.told[1:] == [PictureBlank("")]


def test_a_film_may_stand_still(bench: Bench) -> None:
    bench.step()
    bench.worker.say_ready(replace(OPENED, live=False))
    bench.step()
    stare(bench, 60, np.zeros((72, 64), np.uint8))
    assert not [each for each in bench.told if not isinstance(each, CameraOpened)]


# ---------------------------------------------------------------- privacy


def release(bench: Bench, *, released: bool = True) -> None:
    bench.desired = replace(bench.desired, released=released)
    bench.step()


def test_a_camera_that_is_released_has_no_process_and_gets_none() -> None:
    bench = Bench()
    bench.run(1)
    release(bench)
    assert (bench.worker.ended, bench.controller.pid) == (True, None)
    assert bench.controller.released.is_set()
    bench.step(3600)
    bench.desired = replace(bench.desired, controls=NIGHT, generation=7)
    bench.step(3600)
    assert (len(bench.workers), bench.steps) == (1, [])


def test_a_camera_that_is_no_longer_released_is_opened_by_itself() -> None:
    bench = Bench()
    bench.run(1)
    release(bench)
    release(bench, released=False)
    assert len(bench.workers) == 2
    bench.worker.say_ready()
    bench.step()
    bench.image()
    assert [frame.seq for frame in bench.frames] == sorted({frame.seq for frame in bench.frames})


def test_a_start_in_privacy_opens_nothing() -> None:
    bench = Bench()
    released = replace(bench.desired, released=True)
    controller = CameraController(released, bench._launch, bench.inbox, bench.clock, lambda: 1.0)
    controller.step()
    assert (bench.workers, controller.released.is_set()) == ([], True)


def test_a_camera_that_does_not_end_is_not_called_released() -> None:
    bench = Bench()
    bench.run(1)
    bench.worker.ends = False
    release(bench)
    assert not bench.controller.released.is_set()
    assert bench.controller.pid is None


def test_a_fault_of_ours_while_it_is_let_go_ends_it_all_the_same(mocker: MockerFixture) -> None:
    bench = Bench()
    bench.run(1)
    mocker.patch.object(bench.worker, "end", _raise)
    with pytest.raises(RuntimeError):
        release(bench)
    mocker.stopall()
    bench.controller.restart("an internal fault")
    assert (bench.worker.ended, bench.controller.released.is_set(), len(bench.workers)) == (True, True, 1)


def _raise(_deadline_s: float) -> bool:
    raise RuntimeError("a bug")
