"""Limits of the text port; the tests act as the node."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.core.events import FramesSent, Replied
from pi_cam_node.core.inbox import MESSAGES_WAITING, Inbox
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.tcp.connection import EVENTS_WAITING, Timeouts
from pi_cam_node.tcp.server import STREAMS_MAX, TextPort
from tests.support.broker import free_port, wait_until
from tests.support.text_port import config_for, connected, everything

AT = datetime(2026, 11, 20, 19, 45, 1, tzinfo=UTC)
# More than the kernel keeps for a client that does not read.
HUGE = bytes(32 << 20)


class Port:
    """The port alone; what arrives is taken and answered by the test."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.number = free_port()
        self.inbox = Inbox()
        self.trigger = TextPort(config_for(self.number), self.inbox, SystemClock(), PrivacyGate(), timeouts)
        self.trigger.start()

    def taken(self) -> str:
        """Return the name under which the next command wants its reply."""
        arrival = self.inbox.take(10)
        assert isinstance(arrival, CommandArrived)
        assert arrival.origin == "tcp"
        assert arrival.reply_to is not None
        return arrival.reply_to

    def answer(self, to: str, message: str = "done", stage: str = "final") -> None:
        self.trigger.on_event(Replied({"stage": stage, "message": message}, to, None, "tcp"))

    def frame(self, to: str, jpeg: bytes) -> None:
        self.trigger.on_event(FramesSent(0, 1, 1, AT, jpeg, "tcp", to))


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port(Timeouts(silence_s=0.1, linger_s=0.1, write_s=0.3))
    yield port
    port.trigger.close(2)
    assert not any(thread.name == "tcp-trigger" for thread in threading.enumerate())


def test_a_client_that_takes_nothing_is_cut_off_and_costs_only_itself(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with connected(port.number) as stalled, connected(port.number) as other:
        stalled.sendall(b"shortstream\n")
        port.frame(port.taken(), HUGE)
        other.sendall(b"health\n")
        port.answer(port.taken())
        assert everything(other) == b"done\n"
        wait_until(lambda: "it took nothing for 0.3 s" in caplog.text, "the end of the stalled client")


def test_what_is_told_beyond_any_measure_is_not_kept(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    with connected(port.number) as stalled:
        stalled.sendall(b"shortstream\n")
        to = port.taken()
        port.frame(to, HUGE)
        for _ in range(EVENTS_WAITING + 2):
            port.frame(to, b"x")
        wait_until(lambda: "too many frames for a client" in caplog.text, "the end of the client")


def test_only_a_few_streams_are_sent_at_a_time(port: Port) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(port.number)) for _ in range(STREAMS_MAX + 1)]
        for client in clients[:-1]:
            client.sendall(b"shortstream 1\n")
        numbers = [port.taken() for _ in clients[:-1]]
        clients[-1].sendall(b"shortstream 1\n")
        assert everything(clients[-1]) == bytes(4) + b"ERROR: busy\n"
        for number in numbers:
            port.frame(number, b"jpeg")
            port.answer(number)
        assert {everything(client) for client in clients[:-1]} == {b"\0\0\0\4jpeg" + bytes(4) + b"done\n"}


def test_a_full_inbox_is_said(port: Port) -> None:
    for _ in range(MESSAGES_WAITING):
        port.inbox.put(CommandArrived("health", b"", 0.0, origin="http"))
    with connected(port.number) as client:
        client.sendall(b"health\n")
        assert everything(client) == b"ERROR: busy\n"


def test_replies_go_to_the_client_that_asked(port: Port) -> None:
    with connected(port.number) as first, connected(port.number) as second:
        first.sendall(b"health\n")
        to_first = port.taken()
        second.sendall(b"health\n")
        to_second = port.taken()
        port.answer(to_second, "second")
        port.trigger.on_event(Replied({"stage": "final", "message": "nobody's"}, "no-such-client", None, "tcp"))
        port.trigger.on_event(Replied({"stage": "final", "message": "http's"}, to_first, None, "http"))
        port.answer(to_first, "first")
        assert everything(first) == b"first\n"
        assert everything(second) == b"second\n"


def test_what_is_told_before_the_final_reply_is_not_shown(port: Port) -> None:
    with connected(port.number) as client:
        client.sendall(b"pastStack\n")
        to = port.taken()
        port.answer(to, "accepted", "accepted")
        port.answer(to, "1 of 4", "progress")
        port.answer(to, "done")
        assert everything(client) == b"done\n"
