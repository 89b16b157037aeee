"""Distribution of frames to viewers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.config import Config
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.context import State
from pi_cam_node.web.live.fanout import Fanout
from pi_cam_node.web.live.multipart import END
from pi_cam_node.web.live.viewer import Viewer
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.transport import FakeTransport, FakeWriter
from tests.support.frames import IMAGES, frame_of


def frame(seq: int) -> Frame:
    return frame_of(np.zeros((48, 64, 3), np.uint8), seq)


class Seat:
    """A viewer with its connection and the task that serves it."""

    def __init__(self, fanout: Fanout, fps: float) -> None:
        self.transport, self.writer = FakeTransport(), FakeWriter()
        self.viewer = Viewer(self.transport, self.writer, 1 / fps)
        self.task = asyncio.get_running_loop().create_task(fanout.serve(self.viewer))

    @property
    def seen(self) -> list[str]:
        """Numbers of the frames that were sent, ``away`` for the placeholder, ``end`` for the end."""
        return [_name(wire) for wire in self.transport.written]


def _name(wire: bytes) -> str:
    if wire == END:
        return "end"
    if b"X-Placeholder: 1" in wire:
        return "away"
    return wire.partition(b"X-Frame-Id: ")[2].partition(b"\r\n")[0].decode()


class Stage:
    """A hub, a fan-out at 10 pictures per second, and a clock controlled by the test."""

    def __init__(self) -> None:
        self.clock, self.hub = FakeClock(), FrameHub()
        self.state = State(Config.model_validate({"mjpeg_server": {"fps": 10}, "http": {"max_viewers": 3}}))
        self.fanout = Fanout(self.hub, self.state, self.clock, IMAGES)
        self.seq = 0

    async def show(self, shown: Frame | None = None, *, after_s: float = 0.1) -> Frame:
        """Publish a frame."""
        self.clock.advance(after_s)
        self.seq += 1
        shown = shown or frame(self.seq)
        self.hub.publish(shown)
        await settle()
        return shown

    def enter(self, fps: float = 60) -> Seat:
        return Seat(self.fanout, fps)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 — nobody tells when an executor's work has come back
            await asyncio.sleep(0.001)


def staged(test: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in a loop of its own; the tasks it leaves are cancelled with the loop."""

    def run() -> None:
        async def whole() -> None:
            await test(Stage())

        asyncio.run(whole())

    run.__name__ = test.__name__
    return run


@staged
async def test_every_viewer_gets_the_same_bytes(stage: Stage) -> None:
    seats = [stage.enter() for _ in range(3)]
    await stage.show()
    wires = {seat.transport.written[0] for seat in seats}
    assert len(wires) == 1
    assert [seat.seen for seat in seats] == [["1"]] * 3


@staged
async def test_a_viewer_who_comes_gets_the_newest_frame_at_once(stage: Stage) -> None:
    await stage.show()
    seat = stage.enter()
    await settle()
    assert seat.seen == ["1"]


@staged
async def test_a_viewer_may_ask_for_less(stage: Stage) -> None:
    slow, fast = stage.enter(fps=5), stage.enter()
    for _ in range(6):
        await stage.show()
    assert slow.seen == ["1", "2", "4", "6"]
    assert fast.seen == ["1", "2", "3", "4", "5", "6"]


@staged
async def test_a_viewer_cannot_ask_for_more_than_the_settings_allow(stage: Stage) -> None:
    seat = stage.enter(fps=1000)
    for _ in range(8):
        await stage.show(after_s=0.05)
    assert seat.seen == ["1", "2", "4", "6", "8"]


@staged
async def test_another_rate_holds_for_viewers_who_are_there_already(stage: Stage) -> None:
    seat = stage.enter()
    await stage.show()
    stage.state.config = Config.model_validate({"mjpeg_server": {"fps": 2}})
    for _ in range(8):
        await stage.show()
    assert list(dict.fromkeys(seat.seen)) == ["1", "2", "7"]


@staged
async def test_a_stalled_viewer_misses_frames_and_costs_nobody_else_one(stage: Stage) -> None:
    stalled, other = stage.enter(), stage.enter()
    stalled.transport.is_full = True
    for _ in range(5):
        await stage.show()
    assert stalled.seen == ["1"]
    assert other.seen == ["1", "2", "3", "4", "5"]


@staged
async def test_a_viewer_who_catches_up_gets_the_newest_frame_and_none_of_those_it_missed(stage: Stage) -> None:
    seat = stage.enter()
    seat.transport.is_full = True
    for _ in range(5):
        await stage.show()
    seat.transport.take_everything()
    seat.writer.drained.set()
    await settle()
    assert seat.seen == ["1", "5"]


@staged
async def test_nobody_subscribes_while_nobody_looks(stage: Stage) -> None:
    assert stage.hub._subscribers == ()
    seat = stage.enter()
    await stage.show()
    assert len(stage.hub._subscribers) == 1
    seat.transport.break_off()
    await stage.show()
    await seat.task
    assert stage.hub._subscribers == ()


@staged
async def test_frames_that_nobody_is_due_for_wake_nobody(stage: Stage) -> None:
    stage.state.config = Config.model_validate({"mjpeg_server": {"fps": 1}})
    stage.enter()
    await stage.show()
    woken: list[int] = []
    stage.fanout._update = lambda: woken.append(1)  # type: ignore[method-assign]
    for _ in range(4):
        await stage.show()
    assert woken == []


@staged
async def test_the_placeholder_comes_when_the_camera_goes_and_frames_follow_when_it_is_back(stage: Stage) -> None:
    seat = stage.enter()
    await stage.show()
    stage.hub.publish(None)
    await until(lambda: seat.seen == ["1", "away"])
    await stage.show()
    assert seat.seen == ["1", "away", "2"]


@staged
async def test_a_camera_that_is_back_is_seen_at_once_whatever_the_pace(stage: Stage) -> None:
    seat = stage.enter(fps=0.1)
    await until(lambda: seat.seen == ["away"])
    await stage.show(after_s=0.01)
    assert seat.seen == ["away", "1"]


@staged
async def test_the_last_picture_is_shown_again_where_nothing_follows(stage: Stage) -> None:
    """A browser that paints one part late would not show it otherwise."""
    stage.state.config = Config.model_validate({"mjpeg_server": {"fps": 2}})
    seat = stage.enter()
    await stage.show()
    stage.clock.advance(0.25)
    stage.fanout._update()
    assert seat.seen == ["1", "1"]
    assert seat.transport.written[0] == seat.transport.written[1]


@staged
async def test_the_placeholder_is_as_large_as_the_last_frame(stage: Stage) -> None:
    seat = stage.enter()
    await stage.show()
    stage.hub.publish(None)
    await until(lambda: len(seat.seen) == 2)
    picture = seat.transport.written[1].partition(b"\r\n\r\n")[2][:-2]
    assert jpeg.decode(picture).shape == (48, 64, 3)


@staged
async def test_a_viewer_who_comes_while_the_camera_is_away_sees_the_placeholder(stage: Stage) -> None:
    seat = stage.enter()
    await until(lambda: seat.seen == ["away"])
    picture = seat.transport.written[0].partition(b"\r\n\r\n")[2][:-2]
    assert jpeg.decode(picture).shape == (480, 640, 3)


@staged
async def test_a_placeholder_that_cannot_be_made_does_not_end_the_stream(stage: Stage) -> None:
    tried = threading.Event()

    def broken(*_: object) -> Any:
        tried.set()
        raise NotSaved("no image process")

    stage.fanout._images = ImageTasks(broken)
    seat = stage.enter()
    await stage.show()
    stage.hub.publish(None)
    await until(tried.is_set)
    await until(lambda: stage.fanout._making is None)
    await stage.show()
    assert seat.seen == ["1", "2"]


@staged
async def test_places_are_counted_and_given_back(stage: Stage) -> None:
    places = stage.fanout.limit
    with places.one() as first, places.one() as second, places.one() as third, places.one() as fourth:
        assert [first, second, third, fourth] == [True, True, True, False]
        assert places.taken == 3
    assert places.taken == 0


@staged
async def test_fewer_places_hold_at_once_and_put_nobody_out(stage: Stage) -> None:
    with stage.fanout.limit.one() as first:
        stage.state.config = Config.model_validate({"http": {"max_viewers": 1}})
        with stage.fanout.limit.one() as second:
            assert (first, second) == (True, False)


@staged
async def test_closing_ends_every_stream_with_the_last_delimiter_and_those_that_come_later(stage: Stage) -> None:
    seat = stage.enter()
    await stage.show()
    stage.fanout.close()
    await asyncio.wait_for(seat.task, 5)
    assert seat.seen == ["1", "end"]
    late = stage.enter()
    await asyncio.wait_for(late.task, 5)
    assert late.seen == []


@staged
async def test_closing_does_not_wait_for_a_viewer_who_takes_nothing(stage: Stage) -> None:
    seat = stage.enter()
    seat.transport.is_full = True
    await stage.show()
    await stage.show()
    stage.fanout.close()
    assert seat.transport.aborted


@staged
async def test_a_viewer_who_takes_nothing_until_the_deadline_is_cut_off(stage: Stage) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pi_cam_node.web.http.writing.STALL_S", 0.01)
        seat = stage.enter()
        seat.transport.is_full = True
        await stage.show()
        await stage.show()
        await asyncio.wait_for(seat.task, 5)
    assert seat.transport.aborted


# ---------------------------------------------------------------- privacy


def test_a_frame_on_its_way_when_privacy_is_switched_on_is_sent_to_nobody() -> None:
    async def story() -> None:
        stage = Stage()
        seat = Seat(stage.fanout, 10)
        await stage.show()
        late = frame(99)
        stage.clock.advance(1)
        stage.hub.publish(late)  # wakes the loop, which has not run yet
        stage.hub.privacy_gate.close()
        stage.fanout._update()
        stage.hub.publish(None)
        for _ in range(50):
            await asyncio.sleep(0.005)
        assert "99" not in seat.seen
        assert any(b"X-Placeholder: privacy" in wire for wire in seat.transport.written)
        stage.fanout.close()
        await seat.task

    asyncio.run(story())
