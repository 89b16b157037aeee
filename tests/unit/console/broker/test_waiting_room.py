"""Messages that wait for the loop are limited by number and by bytes."""

from __future__ import annotations

import threading

from pi_cam_node.console.broker.waiting_room import BYTES_WAITING_MAX, MESSAGES_WAITING_MAX, WaitingRoom


def test_small_messages_are_limited_by_their_number() -> None:
    room = WaitingRoom()
    assert all(room.enter(10, 0) for _ in range(MESSAGES_WAITING_MAX))
    assert not room.enter(10, 0)
    room.leave(10)
    assert room.enter(10, 0)


def test_large_messages_are_limited_by_their_bytes() -> None:
    """A client of the broker could otherwise fill the memory of the console."""
    room = WaitingRoom()
    assert [room.enter(BYTES_WAITING_MAX // 3, 0) for _ in range(4)] == [True, True, True, False]
    room.leave(BYTES_WAITING_MAX // 3)
    assert room.enter(BYTES_WAITING_MAX // 3, 0)


def test_a_message_larger_than_the_limit_is_alone() -> None:
    room = WaitingRoom()
    assert room.enter(2 * BYTES_WAITING_MAX, 0)
    assert not room.enter(1, 0)
    room.leave(2 * BYTES_WAITING_MAX)
    assert room.enter(1, 0)
    assert not room.enter(2 * BYTES_WAITING_MAX, 0)


def test_who_waits_enters_when_another_leaves() -> None:
    room = WaitingRoom()
    assert room.enter(BYTES_WAITING_MAX, 0)
    threading.Timer(0.05, room.leave, (BYTES_WAITING_MAX,)).start()
    assert room.enter(BYTES_WAITING_MAX, 60)
