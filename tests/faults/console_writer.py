"""Program that writes events and pushes into the console's database until killed, and checks the database afterwards.

python -m tests.faults.console_writer forever FOLDER      one line "ack ID" for each that is on disk
python -m tests.faults.console_writer once FOLDER         the same for one; exit 3: refused
python -m tests.faults.console_writer check FOLDER [ACKS] exit 1: the database is damaged, or one of those is not there
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import sys
from pathlib import Path

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.console.store import accounts, devices, events
from pi_cam_node.console.store.accounts import Account
from pi_cam_node.console.store.database import FILE_NAME, Database, StoreUnavailable
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow
from tests.faults import crash_program
from tests.faults.crash_program import REFUSED, say


def opened(folder: Path) -> Database:
    """Return the console's database in a folder, open."""
    database = Database(folder, SystemClock())
    database.open()
    return database


def put(db: sqlite3.Connection, number: int) -> None:
    """Write an event and the push of it, as a rule that fires does."""
    accounts.put_account(db, Account("a", "Anna", "owner", "x"))
    if devices.device(db, "phone") is None:
        devices.put_device(db, Device("phone", "a", "webpush", "https://phone.example/", {}, "Phone", 0))
    row, _ = events.put(db, EventRow("", f"e{number}", 1_795_203_900_000 + number, "rule", "porch", "door", "Door"))
    devices.put_delivery(db, Delivery(row.rowid, "phone", "waiting", 0, 0, None, 0, "The door is open"))


def forever(folder: Path) -> None:
    """Write one event after the other."""
    database = opened(folder)

    async def run() -> None:
        for number in itertools.count():
            try:
                await database.run(lambda db, number=number: put(db, number))  # type: ignore[misc]
            except StoreUnavailable:
                continue
            say(f"ack e{number}")

    asyncio.run(run())


def once(folder: Path) -> int:
    """Write one event and leave the file as it is."""
    database = opened(folder)
    try:
        asyncio.run(database.run(lambda db: put(db, 1)))
    except StoreUnavailable:
        return REFUSED
    say("ack e1")
    return 0


def check(folder: Path, acks: set[str]) -> list[str]:
    """Return what is wrong with the database, as the next start of the console finds it."""
    if not (folder / FILE_NAME).exists():
        return [f"lost {ack}" for ack in acks]
    database = opened(folder)
    try:
        if database.was_damaged:
            return ["damaged: it was set aside"]
        return asyncio.run(database.read(lambda db: _wrong(db, acks)))
    finally:
        database.close()


def _wrong(db: sqlite3.Connection, acks: set[str]) -> list[str]:
    verdict = db.execute("PRAGMA integrity_check").fetchone()[0]
    kept = {name for (name,) in db.execute("SELECT id FROM event")}
    bare = db.execute("SELECT id FROM event WHERE rowid NOT IN (SELECT event FROM delivery)").fetchall()
    wrong = [] if verdict == "ok" else [f"damaged: {verdict}"]
    return [*wrong, *(f"lost {ack}" for ack in acks - kept), *(f"without its push {name}" for (name,) in bare)]


if __name__ == "__main__":
    sys.exit(crash_program.run(check, forever=forever, once=once))
