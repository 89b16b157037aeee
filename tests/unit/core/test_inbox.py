"""The inbox: order, limits, held commands, and wake-ups."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.threads import Heartbeat
from pi_cam_node.core import inbox as inbox_module
from pi_cam_node.core.inbox import (
    BYTES_WAITING,
    FRAME_BYTES_WAITING,
    FRAMES_WAITING,
    MESSAGES_IN_A_ROW,
    MESSAGES_WAITING,
    SMALL_BYTES,
    Inbox,
    deliver,
)
from pi_cam_node.core.inputs import CommandArrived, HomeAssistantStarted, Input
from tests.support.core_harness import CoreHarness
from tests.support.fakes.clock import FakeClock


def test_the_newest_frames_wait_and_the_older_ones_are_counted() -> None:
    inbox, harness = Inbox(), CoreHarness()
    frames = [harness.frame() for _ in range(FRAMES_WAITING + 3)]
    for frame in frames:
        inbox.put_frame(frame)
    assert inbox.frames_dropped == 3
    assert [inbox.take(0) for _ in range(FRAMES_WAITING)] == frames[3:]
    assert inbox.take(0) is None


def test_an_essential_message_is_given_up_where_the_inbox_stays_full(
    mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    mocker.patch.object(inbox_module, "DELIVERY_DEADLINE_S", 0.05)
    begin_s = time.monotonic()

    def post(_message: Input) -> bool:
        assert time.monotonic() < begin_s + 30, "it is tried for ever"
        return False

    deliver(post, HomeAssistantStarted(), Heartbeat("caller", FakeClock()), lambda _wait_s: False)
    assert "HomeAssistantStarted of caller is lost" in caplog.text


def test_large_frames_make_room_sooner() -> None:
    inbox, harness = Inbox(), CoreHarness()
    large = [replace(harness.frame(), jpeg=bytes(FRAME_BYTES_WAITING // 2), raw=None, jpegs={}) for _ in range(5)]
    for frame in large:
        inbox.put_frame(frame)
    assert inbox.frames_dropped == 3
    inbox.put_frame(replace(harness.frame(), jpeg=bytes(FRAME_BYTES_WAITING * 2)))
    assert inbox.take(0) is not None, "one frame waits, however large"
    assert inbox.take(0) is None
    for frame in large[:2]:
        inbox.put_frame(frame)
    assert [inbox.take(0), inbox.take(0)] == large[:2]


def test_messages_come_before_frames_and_in_their_order() -> None:
    inbox, harness = Inbox(), CoreHarness()
    first, second = HomeAssistantStarted(), HomeAssistantStarted()
    frame = harness.frame()
    inbox.put_frame(frame)
    inbox.put(first)
    inbox.put(second)
    assert inbox.take(0) is first
    assert inbox.take(0) is second
    assert inbox.take(0) is frame


def test_a_full_inbox_refuses_and_counts_the_commands() -> None:
    inbox = Inbox()
    assert all(inbox.put(CommandArrived("get", b"", 0.0)) for _ in range(MESSAGES_WAITING))
    assert not inbox.put(CommandArrived("get", b"", 0.0))
    assert inbox.messages_refused == 1


def test_news_that_will_be_told_again_is_no_loss() -> None:
    inbox = Inbox()
    assert all(inbox.put(HomeAssistantStarted()) for _ in range(MESSAGES_WAITING))
    assert not inbox.put(HomeAssistantStarted())
    assert inbox.messages_refused == 0


def test_large_payloads_fill_the_inbox_sooner() -> None:
    inbox = Inbox()
    command = CommandArrived("", b"x" * (BYTES_WAITING // 4), 0.0)
    assert [inbox.put(command) for _ in range(5)] == [True] * 4 + [False]
    assert inbox.take(0) is command
    assert inbox.put(command)


def test_large_payloads_do_not_shut_out_a_question() -> None:
    inbox = Inbox()
    large, small = CommandArrived("", b"x" * BYTES_WAITING, 0.0), CommandArrived("", b"x" * SMALL_BYTES, 0.0)
    assert [inbox.put(large), inbox.put(large), inbox.put(small)] == [True, False, True]


@pytest.mark.promise("B3")
def test_while_the_brokers_commands_are_held_frames_and_every_other_door_go_on() -> None:
    inbox, frame, news = Inbox(), CoreHarness().frame(), HomeAssistantStarted()
    held, other = CommandArrived("get", b"", 0.0), CommandArrived("privacy", b"on", 0.0, origin="http")
    for message in (held, news, other):
        inbox.put(message)
    inbox.put_frame(frame)
    assert [inbox.take(0, hold_broker=lambda: True) for _ in range(4)] == [news, other, frame, None]
    assert inbox.take(0) is held


@pytest.mark.promise("B3")
def test_a_broker_that_fills_its_queue_leaves_the_others_theirs() -> None:
    inbox = Inbox()
    assert all(inbox.put(CommandArrived("get", b"", 0.0)) for _ in range(MESSAGES_WAITING))
    large = CommandArrived("", b"x" * BYTES_WAITING, 0.0, origin="tcp")
    assert [inbox.put(CommandArrived("get", b"", 0.0)), inbox.put(large)] == [False, True]
    assert inbox.take(0) is large


LONG = "x" * (BYTES_WAITING // 4)


@pytest.mark.parametrize(
    "command",
    [
        CommandArrived(LONG, b"", 0.0),
        CommandArrived("", b"", 0.0, reply_to=LONG),
        CommandArrived("", b"", 0.0, correlation=LONG.encode()),
    ],
    ids=["verb", "reply_to", "correlation"],
)
def test_whatever_an_asker_can_make_long_counts(command: CommandArrived) -> None:
    inbox = Inbox()
    assert [inbox.put(command) for _ in range(5)] == [True] * 4 + [False]


def test_a_command_that_is_held_does_not_wake_the_node() -> None:
    inbox = Inbox()
    putting = threading.Timer(0.02, lambda: inbox.put(CommandArrived("get", b"", 0.0)))
    putting.start()
    began_s = time.monotonic()
    assert inbox.take(0.1, hold_broker=lambda: True) is None
    assert time.monotonic() - began_s >= 0.1
    putting.join()


def test_a_wake_up_ends_a_wait_and_the_next_one_waits_again() -> None:
    inbox = Inbox()
    inbox.wake()
    assert inbox.take(60) is None, "at once"
    began_s = time.monotonic()
    assert inbox.take(0.05) is None
    assert time.monotonic() - began_s >= 0.05


def test_what_waits_comes_before_a_wake_up() -> None:
    inbox, message = Inbox(), HomeAssistantStarted()
    inbox.wake()
    inbox.put(message)
    assert [inbox.take(60), inbox.take(60)] == [message, None]


def test_a_message_of_another_thread_ends_a_wait() -> None:
    inbox, message = Inbox(), HomeAssistantStarted()
    putting = threading.Timer(0.02, lambda: inbox.put(message))
    putting.start()
    assert inbox.take(60) is message
    putting.join()


def test_a_frame_that_wakes_nobody_ends_a_wait_once_the_frames_are_told() -> None:
    inbox, frame = Inbox(), CoreHarness().frame()
    entered = threading.Event()
    took_s: list[float] = []

    def put() -> None:
        entered.wait()
        time.sleep(0.02)
        inbox.put_frame(frame)
        time.sleep(0.1)
        took_s.append(time.monotonic())
        inbox.wake_for_frames()

    putting = threading.Thread(target=put)
    putting.start()
    entered.set()
    assert inbox.take(60) is frame
    assert time.monotonic() >= took_s[0]
    putting.join()
    inbox.wake_for_frames()
    assert inbox._wakeup.locked(), "of nothing new nobody is told"


def test_a_signal_handler_may_wake_the_thread_that_waits() -> None:
    inbox = Inbox()
    before = signal.signal(signal.SIGUSR1, lambda *_frame: inbox.wake())
    try:
        sending = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1))
        began_s = time.monotonic()
        sending.start()
        assert inbox.take(60) is None
        assert time.monotonic() - began_s < 30
        sending.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_of_many_messages_a_waiting_frame_has_its_turn_after_the_first_few() -> None:
    inbox, frame = Inbox(), CoreHarness().frame()
    for _ in range(MESSAGES_IN_A_ROW + 1):
        inbox.put(HomeAssistantStarted())
    inbox.put_frame(frame)
    taken = [inbox.take(0) for _ in range(MESSAGES_IN_A_ROW + 2)]
    assert taken.index(frame) == MESSAGES_IN_A_ROW
