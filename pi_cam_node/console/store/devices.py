"""Devices that get pushes, and the outbox of messages to deliver to them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.store.events import EventRow, get

DEVICES_PER_ACCOUNT = 20


@frozen
class Device:
    """Row of a device that gets pushes.

    Attributes:
        id: Id given by the console.
        account: Id of the account.
        kind: ``webpush`` or ``apprise``.
        endpoint: URL at its push service, or address of a channel; secret.
        keys: ``p256dh`` and ``auth``, base64url; empty for a channel.
        label: User-defined name.
        created: UTC epoch milliseconds.
        last_ok: When its service last accepted a push, UTC epoch milliseconds.
        gone_why: Why it receives no pushes any more; empty if it does.
        quiet: Quiet hours, ``{"between": ["22:00", "07:00"]}``, or empty.
    """

    id: str
    account: str
    kind: str
    endpoint: str = field(repr=False)
    keys: Mapping[str, str] = field(repr=False)
    label: str
    created: int
    last_ok: int | None = None
    gone_why: str = ""
    quiet: Mapping[str, Any] = field(default_factory=dict)


@frozen
class Delivery:
    """Row of the outbox: one message to one device.

    Attributes:
        event: Number of the event.
        device: Id of the device.
        state: ``waiting``, ``sent``, ``failed``, ``expired``, ``paused``, ``quiet`` or ``flood``.
        tries: Number of attempts.
        due_ms: When to try next, UTC epoch milliseconds.
        code: Last HTTP status of the push service.
        at_ms: When the state was reached, UTC epoch milliseconds.
        text: Text of the message.
        why: Why the last attempt failed; empty if it did not.
    """

    event: int
    device: str
    state: str
    tries: int
    due_ms: int
    code: int | None
    at_ms: int
    text: str
    why: str = ""


_DEVICE = "id, account, kind, endpoint, keys, label, created, last_ok, gone_why, quiet"
_DELIVERY = "event, device, state, tries, due_ms, code, at_ms, text, why"


def put_device(db: sqlite3.Connection, device: Device) -> None:
    """Add or update a device; another device with the same endpoint, of any account, is deleted."""
    db.execute("DELETE FROM device WHERE endpoint=? AND id<>?", (device.endpoint, device.id))
    db.execute(
        # Not OR REPLACE, which would delete the row first, and with it its messages.
        f"INSERT INTO device ({_DEVICE}) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET "  # noqa: S608 - text of ours, values bound
        "account=excluded.account, kind=excluded.kind, endpoint=excluded.endpoint, keys=excluded.keys, "
        "label=excluded.label, last_ok=coalesce(excluded.last_ok, last_ok), gone_why=excluded.gone_why, "
        "quiet=excluded.quiet",
        (
            device.id,
            device.account,
            device.kind,
            device.endpoint,
            json.dumps(dict(device.keys)),
            device.label,
            device.created,
            device.last_ok,
            device.gone_why or None,
            json.dumps(dict(device.quiet)),
        ),
    )


def _device(row: Sequence[Any]) -> Device:
    name, account, kind, endpoint, keys, label, created, last_ok, gone, quiet = row
    return Device(
        name, account, kind, endpoint, json.loads(keys), label, created, last_ok, gone or "", json.loads(quiet)
    )


def devices(db: sqlite3.Connection, account: str | None = None) -> list[Device]:
    """Return the devices, of one account or of all, the oldest first."""
    where, values = ("WHERE account=?", (account,)) if account is not None else ("", ())
    rows = db.execute(f"SELECT {_DEVICE} FROM device {where} ORDER BY created", values)  # noqa: S608 - text of ours, values bound
    return [_device(row) for row in rows]


def device(db: sqlite3.Connection, device_id: str) -> Device | None:
    """Return a device by its id."""
    row = db.execute(f"SELECT {_DEVICE} FROM device WHERE id=?", (device_id,)).fetchone()  # noqa: S608 - text of ours, values bound
    return _device(row) if row else None


def change_device(db: sqlite3.Connection, device_id: str, label: str, quiet: Mapping[str, Any]) -> None:
    """Set name and quiet hours of a device."""
    db.execute("UPDATE device SET label=?, quiet=? WHERE id=?", (label, json.dumps(dict(quiet)), device_id))


def delete_device(db: sqlite3.Connection, device_id: str) -> None:
    """Delete a device and its pending messages."""
    db.execute("DELETE FROM device WHERE id=?", (device_id,))


def gone(db: sqlite3.Connection, device_id: str, why: str, now_ms: int) -> None:
    """Mark a device as gone, and its pending messages as failed."""
    db.execute("UPDATE device SET gone_why=? WHERE id=?", (why, device_id))
    db.execute("UPDATE delivery SET state='failed', at_ms=? WHERE device=? AND state='waiting'", (now_ms, device_id))


def succeeded(db: sqlite3.Connection, device_id: str, now_ms: int) -> None:
    """Record that a push service accepted a message for a device."""
    db.execute("UPDATE device SET last_ok=?, gone_why=NULL WHERE id=?", (now_ms, device_id))


def send_again(db: sqlite3.Connection, event: int, now_ms: int) -> None:
    """Queue messages sent without their event's picture again, for browsers, which replace the first message.

    Messages that wait for the picture become due.
    """
    db.execute("UPDATE delivery SET due_ms=? WHERE event=? AND state='waiting' AND tries=0", (now_ms, event))
    db.execute(
        "UPDATE delivery SET state='waiting', due_ms=? WHERE event=? AND state='sent' "
        "AND device IN (SELECT id FROM device WHERE kind='webpush')",
        (now_ms, event),
    )


def put_sent(db: sqlite3.Connection, delivery: Delivery, event: EventRow) -> None:
    """Record that a message was sent; it is queued again if its event has got a picture since it was composed."""
    put_delivery(db, replace(delivery, state="sent"))
    now = get(db, delivery.event)
    if now is not None and now.media and not event.media:
        send_again(db, delivery.event, delivery.at_ms)


def put_delivery(db: sqlite3.Connection, delivery: Delivery) -> None:
    """Add or update a delivery, unless its event or device was deleted meanwhile."""
    db.execute(
        f"INSERT OR REPLACE INTO delivery ({_DELIVERY}) SELECT ?,?,?,?,?,?,?,?,? "  # noqa: S608 - text of ours, values bound
        "WHERE EXISTS (SELECT 1 FROM event WHERE rowid=?) AND EXISTS (SELECT 1 FROM device WHERE id=?)",
        (
            delivery.event,
            delivery.device,
            delivery.state,
            delivery.tries,
            delivery.due_ms,
            delivery.code,
            delivery.at_ms,
            delivery.text,
            delivery.why,
            delivery.event,
            delivery.device,
        ),
    )


def due(
    db: sqlite3.Connection, now_ms: int, limit: int, busy: Sequence[str] = ()
) -> list[tuple[Delivery, Device, EventRow]]:
    """Return due messages: the oldest of each device that is not busy, oldest first."""
    marks = ",".join("?" * len(busy))
    # SQLite takes the other columns from the row with the minimum: https://sqlite.org/lang_select.html#bareagg
    rows = db.execute(
        f"SELECT {_DELIVERY}, min(due_ms) FROM delivery WHERE state='waiting' AND due_ms<=? "  # noqa: S608 - text of ours, values bound
        f"AND device NOT IN ({marks}) GROUP BY device ORDER BY min(due_ms) LIMIT ?",
        (now_ms, *busy, limit),
    ).fetchall()
    found = []
    for row in rows:
        delivery = Delivery(*row[:-1])
        to, about = device(db, delivery.device), get(db, delivery.event)
        if to is not None and about is not None:
            found.append((delivery, to, about))
    return found


def next_due_ms(db: sqlite3.Connection, busy: Sequence[str] = ()) -> int | None:
    """Return when the next delivery to a device that is not busy is due; ``None`` if none is pending."""
    asked = f"SELECT min(due_ms) FROM delivery WHERE state='waiting' AND device NOT IN ({','.join('?' * len(busy))})"  # noqa: S608 - text of ours, values bound
    found = db.execute(asked, tuple(busy)).fetchone()[0]
    return None if found is None else int(found)


def waiting(db: sqlite3.Connection) -> int:
    """Return the number of pending deliveries."""
    return int(db.execute("SELECT count(*) FROM delivery WHERE state = 'waiting'").fetchone()[0])


def sent_since(db: sqlite3.Connection, device_id: str, since_ms: int) -> int:
    """Return the number of sent and pending messages of a device since a time."""
    asked = "SELECT count(*) FROM delivery WHERE device=? AND at_ms>=? AND state IN ('waiting', 'sent')"
    return int(db.execute(asked, (device_id, since_ms)).fetchone()[0])


def count_since(db: sqlite3.Connection, device_id: str, since_ms: int) -> int:
    """Return the number of messages of a device since a time, in any state."""
    asked = "SELECT count(*) FROM delivery WHERE device=? AND at_ms>=?"
    return int(db.execute(asked, (device_id, since_ms)).fetchone()[0])


def deliveries(db: sqlite3.Connection, event: int) -> list[tuple[Delivery, str, str]]:
    """Return the deliveries of an event, each with the device's label and the name of its account."""
    rows = db.execute(
        "SELECT d.event, d.device, d.state, d.tries, d.due_ms, d.code, d.at_ms, d.text, d.why, v.label, a.name "
        "FROM delivery d JOIN device v ON v.id = d.device JOIN account a ON a.id = v.account WHERE d.event=? "
        "ORDER BY a.name",
        (event,),
    )
    return [(Delivery(*row[:-2]), row[-2], row[-1]) for row in rows]
