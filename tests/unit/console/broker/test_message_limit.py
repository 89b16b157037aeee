"""Messages that wait for the loop are limited by number and by bytes."""

from __future__ import annotations

import threading

from pi_cam_node.console.broker.message_limit import BYTES_WAITING_MAX, MESSAGES_WAITING_MAX, MessageLimit


def test_small_messages_are_limited_by_their_number() -> None:
    limit = MessageLimit()
    assert all(limit.acquire(10, 0) for _ in range(MESSAGES_WAITING_MAX))
    assert not limit.acquire(10, 0)
    limit.release(10)
    assert limit.acquire(10, 0)


def test_large_messages_are_limited_by_their_bytes() -> None:
    """A client of the broker could otherwise fill the memory of the console."""
    limit = MessageLimit()
    assert [limit.acquire(BYTES_WAITING_MAX // 3, 0) for _ in range(4)] == [True, True, True, False]
    limit.release(BYTES_WAITING_MAX // 3)
    assert limit.acquire(BYTES_WAITING_MAX // 3, 0)


def test_a_message_larger_than_the_limit_is_alone() -> None:
    limit = MessageLimit()
    assert limit.acquire(2 * BYTES_WAITING_MAX, 0)
    assert not limit.acquire(1, 0)
    limit.release(2 * BYTES_WAITING_MAX)
    assert limit.acquire(1, 0)
    assert not limit.acquire(2 * BYTES_WAITING_MAX, 0)


def test_a_waiting_message_is_counted_when_another_is_released() -> None:
    limit = MessageLimit()
    assert limit.acquire(BYTES_WAITING_MAX, 0)
    threading.Timer(0.05, limit.release, (BYTES_WAITING_MAX,)).start()
    assert limit.acquire(BYTES_WAITING_MAX, 60)
