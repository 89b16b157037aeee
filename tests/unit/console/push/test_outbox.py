"""The push outbox: retries, and devices that do not delay each other."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar, cast

import pytest

pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.console.push.outbox import AT_ONCE, IDLE_S, Outbox
from pi_cam_node.console.push.sender import TTL_S, Outcome
from pi_cam_node.console.store import accounts, devices, events
from pi_cam_node.console.store.accounts import Account
from pi_cam_node.console.store.database import Database
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow
from tests.support.fakes.clock import FakeClock

Result = TypeVar("Result")


class InlineDatabase:
    """The tables in memory, used without a thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        return work(self.db)

    read = run


class Service:
    """A push service: answers what is set for an endpoint; ``None`` never answers."""

    def __init__(self) -> None:
        self.answers: dict[str, Outcome | None] = {}
        self.sent: list[str] = []

    async def __call__(self, delivery: Delivery, device: Device, _event: EventRow) -> Outcome:
        outcome = self.answers.get(device.id, Outcome("sent", 201))
        if outcome is None:
            await asyncio.Event().wait()
        self.sent.append(f"{device.id} {delivery.text}")
        return cast("Outcome", outcome)


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    accounts.put_account(db, Account("a", "Anna", "owner", "", None))
    for name in ("phone", "tablet"):
        devices.put_device(db, Device(name, "a", "webpush", name, {}, name, 0))
    return db


def put(db: sqlite3.Connection, clock: FakeClock, text: str, *to: str, kind: str = "rule") -> None:
    now_ms = round(clock.utcnow().timestamp() * 1000)
    row, _ = events.put(db, EventRow("", text, now_ms, kind))
    for device in to:
        devices.put_delivery(db, Delivery(row.rowid, device, "waiting", 0, now_ms, None, now_ms, text))


def states(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    return db.execute("SELECT device, state, tries FROM delivery ORDER BY event, device").fetchall()


def rig(db: sqlite3.Connection) -> tuple[Outbox, Service, FakeClock]:
    service, clock = Service(), FakeClock()
    return Outbox(cast("Database", InlineDatabase(db)), service, clock), service, clock


async def turn(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def test_a_service_that_does_not_answer_holds_up_its_own_device_only(db: sqlite3.Connection) -> None:
    box, service, clock = rig(db)
    service.answers["phone"] = None

    async def scenario() -> None:
        put(db, clock, "first", "phone", "tablet")
        await box.step()
        await turn()
        put(db, clock, "second", "phone", "tablet")
        assert await box.step() > 1.0, "what waits for a busy device is not asked for again and again"
        await turn()

    asyncio.run(scenario())
    assert service.sent == ["tablet first", "tablet second"]
    assert [state for device, state, _ in states(db) if device == "phone"] == ["waiting", "waiting"]


def test_no_more_than_a_bounded_number_are_sent_at_once(db: sqlite3.Connection) -> None:
    box, service, clock = rig(db)
    names = [f"phone {number}" for number in range(AT_ONCE + 10)]
    for name in names:
        devices.put_device(db, Device(name, "a", "webpush", name, {}, name, 0))
        service.answers[name] = None

    async def scenario() -> int:
        put(db, clock, "first", *names)
        for _ in range(3):
            await box.step()
            await turn()
        assert await box.step() == IDLE_S, "it is woken by the end of one of them"
        return len(box._under_way)

    assert asyncio.run(scenario()) == AT_ONCE


def test_what_waited_before_a_pause_is_not_sent_during_it(db: sqlite3.Connection) -> None:
    service, clock, is_paused = Service(), FakeClock(), [False]
    box = Outbox(cast("Database", InlineDatabase(db)), service, clock, is_paused=lambda: is_paused[0])
    service.answers["phone"] = Outcome("retry", 503)

    async def scenario() -> None:
        put(db, clock, "first", "phone", "tablet")
        await box.step()
        await turn()
        is_paused[0] = True
        devices.send_again(db, 1, round(clock.utcnow().timestamp() * 1000))  # its picture has come
        clock.advance(600)
        put(db, clock, "test", "tablet", kind="test")
        for _ in range(2):
            await box.step()
            await turn()

    asyncio.run(scenario())
    assert service.sent == ["phone first", "tablet first", "tablet test"]
    assert states(db) == [("phone", "paused", 1), ("tablet", "sent", 1), ("tablet", "sent", 1)]


def test_the_messages_of_a_device_go_in_their_order(db: sqlite3.Connection) -> None:
    box, service, clock = rig(db)

    async def scenario() -> None:
        for text in ("first", "second", "third"):
            put(db, clock, text, "phone")
            clock.advance(0.001)
        for _ in range(3):
            await box.step()
            await turn()

    asyncio.run(scenario())
    assert service.sent == ["phone first", "phone second", "phone third"]


def test_what_cannot_be_sent_is_tried_again_until_it_is_too_old(db: sqlite3.Connection) -> None:
    box, service, clock = rig(db)
    service.answers["phone"] = Outcome("retry", why="the push service is busy")

    async def scenario() -> None:
        put(db, clock, "first", "phone")
        for seconds, tries in ((0, 1), (1, 1), (5, 2), (10, 3)):
            clock.advance(seconds)
            await box.step()
            await turn()
            assert states(db) == [("phone", "waiting", tries)]
        clock.advance(TTL_S)
        await box.step()
        await turn()

    asyncio.run(scenario())
    assert [state for _, state, _ in states(db)] == ["expired"]


def test_a_device_that_is_gone_gets_nothing_more(db: sqlite3.Connection) -> None:
    box, service, clock = rig(db)
    service.answers["phone"] = Outcome("gone", 410, "the browser has ended its subscription")

    async def scenario() -> None:
        put(db, clock, "first", "phone")
        put(db, clock, "second", "phone")
        await box.step()
        await turn()

    asyncio.run(scenario())
    assert states(db) == [("phone", "failed", 1), ("phone", "failed", 0)]
    assert devices.devices(db)[0].gone_why == "the browser has ended its subscription"
