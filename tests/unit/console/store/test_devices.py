"""The push outbox in the database."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from pi_cam_node.console.store import accounts, devices, events
from pi_cam_node.console.store.accounts import Account
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    accounts.put_account(db, Account("a", "Anna", "owner", "", None))
    for kind in ("webpush", "apprise"):
        devices.put_device(db, Device(kind, "a", kind, f"https://{kind}.example/", {}, kind, 0))
    return db


def fired(db: sqlite3.Connection, kind: str = "webpush", media: str | None = None) -> tuple[EventRow, Delivery]:
    row, _ = events.put(db, EventRow("", "r", 1, "rule", "porch", "door", "Door", media))
    delivery = Delivery(row.rowid, kind, "waiting", 0, 0, None, 0, "The door is open")
    devices.put_delivery(db, delivery)
    return row, delivery


def states(db: sqlite3.Connection) -> list[tuple[str, int]]:
    return [(one.state, one.due_ms) for one, _, _ in devices.deliveries(db, 1)]


def add_picture(db: sqlite3.Connection, row: EventRow) -> None:
    events.put(db, replace(row, media="p1"))
    devices.send_again(db, row.rowid, 500)


def test_a_push_that_went_without_its_picture_goes_again_with_it(db: sqlite3.Connection) -> None:
    row, delivery = fired(db)
    devices.put_sent(db, replace(delivery, at_ms=100), row)
    assert states(db) == [("sent", 0)]
    add_picture(db, row)
    assert states(db) == [("waiting", 500)]
    ((again, _, now),) = devices.due(db, 500, 8)
    assert now.media == "p1"
    devices.put_sent(db, replace(again, at_ms=600), now)
    assert states(db) == [("sent", 500)]


def test_a_picture_that_comes_while_its_push_is_under_way_is_not_lost(db: sqlite3.Connection) -> None:
    row, delivery = fired(db)
    add_picture(db, row)
    devices.put_sent(db, replace(delivery, at_ms=600), row)
    assert states(db) == [("waiting", 600)]


def test_what_would_not_replace_the_first_message_is_not_sent_twice(db: sqlite3.Connection) -> None:
    row, delivery = fired(db, "apprise")
    devices.put_sent(db, delivery, row)
    add_picture(db, row)
    assert states(db) == [("sent", 0)]


def test_a_browser_that_subscribes_again_keeps_its_messages_and_when_the_last_one_came(db: sqlite3.Connection) -> None:
    fired(db)
    devices.succeeded(db, "webpush", 7)
    devices.put_device(db, Device("webpush", "a", "webpush", "https://new.example/", {"auth": "x"}, "Phone", 1))
    ((waiting, _, _),) = devices.deliveries(db, 1)
    assert waiting.state == "waiting"
    device = devices.device(db, "webpush")
    assert device is not None
    assert (device.label, device.endpoint, device.created, device.last_ok) == ("Phone", "https://new.example/", 0, 7)


@pytest.mark.parametrize("gone", ["DELETE FROM device WHERE id='webpush'", "DELETE FROM event"])
def test_what_became_of_a_message_is_not_kept_when_its_device_or_event_went_meanwhile(
    db: sqlite3.Connection, gone: str
) -> None:
    row, delivery = fired(db)
    db.execute(gone)
    devices.put_sent(db, delivery, row)
    assert db.execute("SELECT count(*) FROM delivery").fetchone() == (0,)
