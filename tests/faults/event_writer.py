"""Program that saves events and films until killed, and checks the database afterwards.

python -m tests.faults.event_writer forever FOLDER      one line "ack ID" for each event that is on disk
python -m tests.faults.event_writer once FOLDER         the same for one event; exit 3: refused
python -m tests.faults.event_writer check FOLDER [ACKS] exit 1: the database is damaged, or one of those is not there
"""

from __future__ import annotations

import itertools
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.core.history import EventRow, RecordingRow
from pi_cam_node.storage.events import schema
from pi_cam_node.storage.events.database import EventDatabase
from tests.faults import crash_program
from tests.faults.crash_program import REFUSED, say

FILE = "events.db"
FLUSH_S = 20.0
START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def save(database: EventDatabase, number: int) -> bool:
    """Save an event with its film, at its beginning and at its end; return whether both are on disk."""
    at = START + timedelta(seconds=number)
    film = RecordingRow(f"r{number}", "open", f"/captures/r{number}.mp4", at, cause="motion")
    event = EventRow(f"e{number}", "motion", at, zones=("door",), recording_id=film.id)
    database.save_recording(film)
    database.save_event(event)
    if not database.flush(FLUSH_S):
        return False
    ended_at = at + timedelta(seconds=1)
    database.save_recording(RecordingRow(film.id, "closed", film.path, at, ended_at, "motion", size_bytes=number))
    database.save_event(EventRow(event.id, "motion", at, ended_at, "clear", event.zones, recording_id=film.id))
    return database.flush(FLUSH_S)


def forever(folder: Path) -> None:
    """Save events one after the other."""
    database = EventDatabase(folder / FILE, SystemClock())
    database.start()
    for number in itertools.count():
        if save(database, number):
            say(f"ack e{number}")


def once(folder: Path) -> int:
    """Save one event and close the file."""
    database = EventDatabase(folder / FILE, SystemClock())
    database.start()
    if not save(database, 1):
        return REFUSED
    say("ack e1")
    database.stop(FLUSH_S)
    return 0


def check(folder: Path, acks: set[str]) -> list[str]:
    """Return what is wrong with the database, as the next start of the node finds it."""
    path = folder / FILE
    if not path.exists():
        return [f"lost {ack}" for ack in acks]
    try:
        with closing(schema.open_writer(path)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            ended = {name for (name,) in connection.execute("SELECT id FROM event WHERE ended_by = 'clear'")}
            orphans = connection.execute(
                "SELECT id FROM event WHERE recording_id NOT IN (SELECT id FROM recording)"
            ).fetchall()
    except (sqlite3.Error, schema.DamagedDatabaseError) as error:
        return [f"damaged: {error}"]
    wrong = [] if verdict == "ok" else [f"damaged: {verdict}"]
    return [*wrong, *(f"lost {ack}" for ack in acks - ended), *(f"torn {name}" for (name,) in orphans)]


if __name__ == "__main__":
    sys.exit(crash_program.run(check, forever=forever, once=once))
