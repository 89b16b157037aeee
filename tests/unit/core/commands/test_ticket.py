"""Command `ticket`: a temporary secret for pictures over HTTP, sent to the requesting client only."""

from __future__ import annotations

from typing import Any

import pytest

from pi_cam_node.core.tickets import TICKETS_MAX, Tickets
from tests.support.core_harness import CoreHarness
from tests.support.fakes.clock import FakeClock


def ask(harness: CoreHarness, payload: str = "", **fields: Any) -> dict[str, Any]:
    (reply,) = harness.send("ticket", payload, **fields)
    return reply


@pytest.mark.parametrize("fields", [{"reply_to": "answers/me"}, {"origin": "http"}])
def test_a_ticket_opens_until_it_ends(fields: dict[str, Any]) -> None:
    harness = CoreHarness()
    reply = ask(harness, **fields)
    data = reply["data"]
    assert set(data) == {"ticket", "expires_at", "right", "url", "tls_sha256"}
    assert data["right"] == "view"
    assert harness.core.tickets.is_valid(data["ticket"])
    assert data["ticket"] not in reply["message"]
    harness.clock.advance(3599)
    assert harness.core.tickets.is_valid(data["ticket"])
    harness.clock.advance(2)
    assert not harness.core.tickets.is_valid(data["ticket"])


@pytest.mark.parametrize("fields", [{}, {"origin": "tcp"}, {"origin": "tcp", "reply_to": "x"}])
def test_where_others_could_read_the_reply_there_is_none(fields: dict[str, Any]) -> None:
    reply = ask(CoreHarness(), **fields)
    assert (reply["code"], "ticket" in reply["data"]) == ("forbidden", False)


@pytest.mark.parametrize(("payload", "ok"), [('{"ttl_s": 60}', True), ("86400", True), ('{"ttl_s": 59.9}', False)])
def test_how_long_it_may_last(payload: str, ok: bool) -> None:
    reply = ask(CoreHarness(), payload, reply_to="a")
    assert (reply["code"] == "ok") is ok
    assert ok or reply["code"] == "out_of_range"


def test_the_seventeenth_ends_the_oldest() -> None:
    tickets = Tickets(FakeClock())
    secrets = [tickets.issue(60).secret for _ in range(TICKETS_MAX + 1)]
    assert [tickets.is_valid(secret) for secret in secrets] == [False] + [True] * TICKETS_MAX


def test_ended_ones_take_no_place() -> None:
    clock = FakeClock()
    tickets = Tickets(clock)
    long = tickets.issue(3600).secret
    for _ in range(TICKETS_MAX - 1):
        tickets.issue(60)
    clock.advance(61)
    for _ in range(TICKETS_MAX - 1):
        tickets.issue(60)
    assert tickets.is_valid(long)


@pytest.mark.parametrize("secret", ["", "x", "\ud800", "ä" * 100])
def test_anything_else_opens_nothing(secret: str) -> None:
    tickets = Tickets(FakeClock())
    tickets.issue(60)
    assert not tickets.is_valid(secret)
