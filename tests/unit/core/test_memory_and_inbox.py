"""Bounds: of memory, of queues, and of what a rate remembers."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.base.units import MIB
from pi_cam_node.config import Config
from pi_cam_node.core.inbox import BYTES_WAITING, FRAMES_WAITING, MESSAGES_WAITING, SMALL_BYTES, Inbox
from pi_cam_node.core.inputs import CommandArrived, HomeAssistantStarted
from pi_cam_node.core.rules.frame_rate import FrameRate
from pi_cam_node.core.rules.memory_budget import (
    FRAMES_IN_FLIGHT,
    LEAST_RING_BYTES,
    QUEUES_BYTES,
    automatic_budget,
    frame_bytes_of,
    ring_budget_bytes,
)
from tests.support.core_harness import CoreHarness


@given(budget=st.integers(0, 1 << 34), width=st.integers(32, 2304), height=st.integers(32, 1728))
def test_the_parts_never_exceed_the_budget_while_a_ring_fits(budget: int, width: int, height: int) -> None:
    config = Config.model_validate({"camera": {"width": width * 2, "height": height * 2}})
    frame_bytes = frame_bytes_of(config)
    room = ring_budget_bytes(config, frame_bytes, budget)
    assert LEAST_RING_BYTES <= room <= config.ring.max_bytes
    if room > LEAST_RING_BYTES:
        assert room + FRAMES_IN_FLIGHT * frame_bytes + QUEUES_BYTES <= budget


def test_a_board_with_512_mib_gets_its_whole_default_ring() -> None:
    config = Config()
    assert ring_budget_bytes(config, frame_bytes_of(config), automatic_budget(300 * MIB)) == config.ring.max_bytes


def test_the_automatic_budget_is_half_of_what_is_free_within_bounds() -> None:
    assert automatic_budget(100 * MIB) == 50 * MIB
    assert automatic_budget(8192 * MIB) == 256 * MIB


def test_the_newest_frames_wait_and_the_older_ones_are_counted() -> None:
    inbox, world = Inbox(), CoreHarness()
    frames = [world.frame() for _ in range(FRAMES_WAITING + 3)]
    for frame in frames:
        inbox.put_frame(frame)
    assert inbox.frames_dropped == 3
    assert [inbox.take(0) for _ in range(FRAMES_WAITING)] == frames[3:]
    assert inbox.take(0) is None


def test_messages_come_before_frames_and_in_their_order() -> None:
    inbox, world = Inbox(), CoreHarness()
    first, second = HomeAssistantStarted(), HomeAssistantStarted()
    frame = world.frame()
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


def test_a_rate_forgets_what_is_long_past() -> None:
    rate = FrameRate()
    assert rate.per_second(0) == 0
    for tick in range(100):
        rate.count(tick / 10)
    assert rate.per_second(9.9) == pytest.approx(10)
    assert rate.per_second(1000) == 0


def test_a_rate_is_known_of_frames_half_a_minute_apart() -> None:
    rate = FrameRate()
    for tick in range(4):
        rate.count(tick * 30.0)
    assert rate.per_second(100.0) == pytest.approx(1 / 30)
    assert rate.per_second(1000.0) == 0
