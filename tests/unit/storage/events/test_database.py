"""The database of events and films: writing, reading, and faults of the file.

The thread that writes is not started here: `written` lets it do what it has to do in the test's own.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import logging
import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from pi_cam_node.core.history import EVENT_KINDS, EventRow, Query, RecordingRow, RecordingState, Waiting, page_of
from pi_cam_node.storage.events import database, rows, schema, writer
from pi_cam_node.storage.events.database import EventDatabase
from tests.support.fakes.clock import FakeClock

START = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)


def event(number: int, *zones: str, ended: bool = True) -> EventRow:
    at = START + timedelta(milliseconds=number)
    ended_at = at + timedelta(seconds=9, milliseconds=7)
    return EventRow(
        f"e{number:04d}",
        EVENT_KINDS[number % 3],
        at,
        ended_at if ended else None,
        "clear" if ended else None,
        zones,
        "door",
        pre_roll_s=4.75,
        picture_id=f"p{number}",
        recording_id=f"r{number}" if number % 2 else None,
        boot="3f2a91c0",
        clock_set=number % 5 != 0,
    )


def film(number: int, state: RecordingState = "closed", directory: Path = Path("/captures")) -> RecordingRow:
    at = START + timedelta(milliseconds=number)
    path, times = str(directory / f"r{number}.mp4"), (at, at + timedelta(seconds=8))
    return RecordingRow(
        f"r{number}", state, path, *times, "motion", "3f2a91c0", 7, 9, 0.5, "avc1.42c01e", width_px=640, height_px=480
    )


def written(store: EventDatabase) -> None:
    """Let the writer write what waits, and close the file."""
    store._writer._stopping = True
    store._writer._run()
    store._writer._stopping = False


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml.events.db"


@pytest.fixture
def store(path: Path) -> EventDatabase:
    return EventDatabase(path, FakeClock())


def everything(store: EventDatabase) -> tuple[EventRow, ...]:
    return store.events(Query(limit=1000)).rows


@pytest.fixture(autouse=True)
def _impatient(mocker: MockerFixture) -> None:
    mocker.patch.object(database, "READ_FLUSH_S", 0.0)
    mocker.patch.object(writer, "RETRY_S", 0.0)


@pytest.fixture(autouse=True)
def _closed(mocker: MockerFixture) -> Iterator[None]:
    """Close what a test opened without the writer's thread, which would close it."""
    made, real = [], schema.open_writer

    def opened(path: Path, damage: str = "") -> sqlite3.Connection:
        made.append(real(path, damage))
        return made[-1]

    mocker.patch.object(schema, "open_writer", opened)
    yield
    for connection in made:
        with suppress(sqlite3.ProgrammingError):  # its thread has closed it
            connection.close()


def again(path: Path) -> EventDatabase:
    """Return the database of the next run, opened."""
    store = EventDatabase(path, FakeClock())
    store.save_event(event(9999))
    store._writer._opened(path)
    return store


def test_what_is_saved_is_there_in_the_next_run(store: EventDatabase, path: Path) -> None:
    saved = [event(number, "door", 'a"b') for number in range(30)]
    for row in saved:
        store.save_event(row)
    (path.parent / "r1.mp4").touch()
    store.save_recording(film(1, directory=path.parent))
    written(store)
    next_run = again(path)
    assert list(everything(next_run)) == saved[::-1]
    assert next_run.recordings("closed") == [film(1, directory=path.parent)]


def test_an_event_that_ends_is_the_same_row(store: EventDatabase) -> None:
    store.save_event(event(1, ended=False))
    written(store)
    store.save_event(event(1, "door"))
    written(store)
    assert everything(store) == (event(1, "door"),)


def test_two_states_that_wait_are_written_once(store: EventDatabase) -> None:
    store.save_event(event(1, ended=False))
    store.save_event(event(1))
    assert len(store._writer._pending) == 1


def test_films_that_were_cut_off_are_found(store: EventDatabase, path: Path) -> None:
    states: tuple[RecordingState, ...] = ("open", "closed", "repaired", "open")
    for number, state in enumerate(states):
        (path.parent / (f".r{number}.mp4.rec" if state == "open" else f"r{number}.mp4")).touch()
        store.save_recording(film(number, state, path.parent))
    written(store)
    next_run = again(path)
    assert [row.id for row in next_run.recordings("open")] == ["r0", "r3"]
    next_run.forget_recording("r0")
    (path.parent / ".r3.mp4.rec").rename(path.parent / "r3.mp4")
    next_run.save_recording(film(3, "repaired", path.parent))
    written(next_run)
    assert [row.id for row in again(path).recordings("open", "repaired")] == ["r2", "r3"]


def test_a_film_whose_file_is_gone_is_lost_until_it_is_back(store: EventDatabase, path: Path) -> None:
    file = path.parent / "r1.mp4"
    file.touch()
    store.save_recording(film(1, directory=path.parent))
    store.save_recording(film(2, "open", path.parent))
    written(store)
    file.rename(path.parent / "elsewhere")
    lost = again(path)
    assert [row.id for row in lost.recordings("lost")] == ["r1", "r2"]
    (path.parent / "elsewhere").rename(file)
    assert [row.id for row in again(path).recordings("closed")] == ["r1"]


def test_an_event_that_was_cut_off_is_ended_with_its_film(store: EventDatabase, path: Path) -> None:
    cut = [replace(event(number, ended=False), recording_id=recording) for number, recording in ((1, None), (2, "r2"))]
    for row in (*cut, event(3)):
        store.save_event(row)
    (path.parent / ".r2.mp4.rec").touch()
    store.save_recording(replace(film(2, "open", path.parent), ended_at=None))
    written(store)
    next_run = again(path)
    ends = {row.id: (row.ended_by, row.ended_at) for row in everything(next_run)}
    assert ends["e0001"] == ("interrupted", cut[0].at)
    assert ends["e0002"] == ("interrupted", cut[1].at)
    assert ends["e0003"] == ("clear", event(3).ended_at)
    next_run.save_recording(film(2, "repaired", path.parent))
    written(next_run)
    assert {row.id: row.ended_at for row in everything(next_run)}["e0002"] == film(2).ended_at


@effort(deadline=None, max_examples=40)
@given(
    numbers=st.lists(st.integers(0, 40), max_size=25, unique=True),
    limit=st.integers(1, 30),
    before=st.none() | st.integers(0, 40),
    kind=st.sampled_from(["", *EVENT_KINDS]),
    zone=st.sampled_from(["", "door", "yard"]),
)
def test_the_database_and_memory_give_the_same_pages(
    numbers: list[int], limit: int, before: int | None, kind: str, zone: str
) -> None:
    saved = [event(number, *(["door"] if number % 3 else ["yard", "door"])) for number in numbers]
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with closing(connection):
        schema._prepare(connection, Path(":memory:"))
        for row in saved:
            rows.save_event(connection, row)
        for border in (None if before is None else START + timedelta(milliseconds=before), *(row.id for row in saved)):
            query = Query(limit, border, kind, zone)
            assert rows.events(connection, query) == page_of(saved, query)
        with pytest.raises(LookupError):
            rows.events(connection, Query(before="nothing"))


def test_the_file_is_the_owners_alone(store: EventDatabase, path: Path) -> None:
    store.save_event(event(1))
    store._writer._opened(path)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_nothing_is_written_where_nothing_happens(store: EventDatabase, path: Path) -> None:
    written(store)
    assert everything(store) == ()
    assert not path.exists()


def test_a_clean_stop_leaves_one_file(store: EventDatabase, path: Path) -> None:
    store.save_event(event(1))
    written(store)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize("is_writer", [True, False])
def test_a_database_that_has_grown_takes_little_memory(path: Path, is_writer: bool) -> None:
    memory_used = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
    memory_used.restype = ctypes.c_int64
    with closing(schema.open_writer(path)) as connection:
        messages = (("2026", "topic", bytes(3000)) for _ in range(1000))
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO outbox(at_ms, topic, body) VALUES (?, ?, ?)", messages)
        connection.execute("COMMIT")
    before = memory_used()
    with closing(schema.open_writer(path) if is_writer else schema.open_reader(path)) as connection:
        assert connection.execute("SELECT sum(length(body)) FROM outbox").fetchone() == (3_000_000,)
        assert memory_used() - before < 600 << 10


def test_the_oldest_events_go_where_there_are_too_many(store: EventDatabase, path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(rows, "EVENTS_MAX", 10)
    for number in range(25):
        store.save_event(event(number))
    written(store)
    assert [row.id for row in everything(again(path))] == [f"e{number:04d}" for number in range(24, 14, -1)]


def test_the_oldest_events_go_while_the_node_runs(store: EventDatabase, path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(rows, "EVENTS_MAX", 10)
    mocker.patch.object(writer, "PRUNE_EVERY", 30)
    mocker.patch.object(store._writer, "_close")
    for number in range(100):
        store.save_event(event(number))
    written(store)
    with closing(schema.open_reader(path)) as connection:
        assert connection.execute("SELECT count(*), max(id) FROM event").fetchone() == (30, "e0099")


def test_the_outbox_is_bounded_in_messages_and_bytes(store: EventDatabase, mocker: MockerFixture) -> None:
    mocker.patch.object(rows, "OUTBOX_MAX", 5)
    mocker.patch.object(rows, "OUTBOX_BYTES_MAX", 1000)
    for number in range(8):
        store.put(f"t/{number}", b"x")
    written(store)
    assert [waiting.topic for waiting in store.waiting()] == [f"t/{number}" for number in range(3, 8)]
    store.put("large", b"x" * 999)
    written(store)
    assert [waiting.topic for waiting in store.waiting()] == ["t/7", "large"]
    store.sent([waiting.number for waiting in store.waiting()])
    written(store)
    assert store.waiting() == []


def test_a_message_that_was_sent_is_dropped_by_the_number_of_its_run_or_of_an_earlier_one(
    store: EventDatabase, path: Path
) -> None:
    numbers = [store.put(f"t/{number}", b"x") for number in range(3)]
    store.sent([numbers[1]])
    written(store)
    assert [waiting.topic for waiting in store.waiting()] == ["t/0", "t/2"]
    restored: list[Waiting] = []
    later = EventDatabase(path, FakeClock(), restore=restored.extend)
    later.put("t/3", b"y")
    written(later)
    assert [waiting.topic for waiting in restored] == ["t/0", "t/2"], "before anything of this run"
    later.sent([restored[0].number])
    written(later)
    assert [waiting.topic for waiting in later.waiting()] == ["t/2", "t/3"]


def test_of_messages_that_were_sent_nothing_is_remembered(store: EventDatabase) -> None:
    numbers = [store.put(f"t/{number}", b"x") for number in range(5)]
    written(store)
    store.sent(numbers[:4])
    written(store)
    assert list(store._rows) == numbers[4:]
    assert [waiting.topic for waiting in store.waiting()] == ["t/4"]


def test_of_messages_that_are_never_sent_a_bounded_number_is_remembered(
    store: EventDatabase, mocker: MockerFixture
) -> None:
    mocker.patch.object(rows, "OUTBOX_MAX", 5)
    numbers = []
    for number in range(30):
        numbers.append(store.put(f"topic/{number}", b"event"))
        written(store)
    assert list(store._rows) == numbers[-10:]


def test_a_message_that_was_sent_before_it_was_written_is_never_written(store: EventDatabase) -> None:
    number = store.put("t/0", b"x")
    store.sent([number])
    assert store._writer._pending == {}


def test_a_message_that_is_sent_while_it_is_being_written_is_dropped_afterwards(store: EventDatabase) -> None:
    number = store.put("t/0", b"x")
    batch, path = store._writer._next_batch()
    assert path is not None
    store.sent([number])
    store._writer._write(batch, path)
    store._writer._batch_ended(batch, is_written=True)
    assert [waiting.topic for waiting in store.waiting()] == ["t/0"]
    written(store)
    assert store.waiting() == []


def test_a_message_that_is_sent_during_a_write_that_fails_takes_no_other_with_it(store: EventDatabase) -> None:
    first = store.put("t/0", b"x")
    store.put("t/1", b"x")

    def fails(_connection: sqlite3.Connection) -> None:
        store.sent([first])
        raise sqlite3.OperationalError("database or disk is full")

    store._writer.put(("full", 1), fails)
    batch, path = store._writer._next_batch()
    assert path is not None
    with pytest.raises(sqlite3.OperationalError):
        store._writer._write(batch, path)
    store._writer._batch_ended(batch, is_written=False)
    store._writer.cancel(("full", 1))
    written(store)
    assert [waiting.topic for waiting in store.waiting()] == ["t/1"]


def test_what_may_wait_is_written_with_the_next_row_or_when_its_time_has_come(path: Path) -> None:
    clock = FakeClock()
    store = EventDatabase(path, clock)
    store._writer.put(("a", 1), lambda _connection: None, within_s=5.0)
    assert store._writer._due_s == clock.monotonic() + 5.0
    store.save_event(event(1))
    assert store._writer._due_s == clock.monotonic()
    batch, _ = store._writer._next_batch()
    assert [key for key, _ in batch] == ["a", "event"]


def test_rows_that_wait_for_a_dead_disk_are_bounded(store: EventDatabase, mocker: MockerFixture) -> None:
    mocker.patch.object(writer, "PENDING_MAX", 50)
    for number in range(200):
        store.save_event(event(number))
    assert len(store._writer._pending) == 50


# ---------------------------------------------------------------- what happens to the file


@pytest.mark.promise("S2")
@pytest.mark.parametrize("damage", ["noise", "header", "middle", "short", "empty"])
def test_a_damaged_file_is_put_aside_and_made_anew_from_the_side_cars(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = EventDatabase(path, FakeClock())
    for number in range(500):
        store.save_event(event(number, "a zone with a long name"))
    written(store)
    content = bytearray(path.read_bytes())
    match damage:
        case "noise":
            content = bytearray(os.urandom(20_000))
        case "header":
            content[:100] = b"\0" * 100
        case "middle":
            content[5000:60_000] = os.urandom(55_000)
        case "short":
            del content[20_000:]
        case "empty":
            content.clear()
    path.write_bytes(content)
    (path.parent / "r1.mp4").touch()
    known: list[EventRow | RecordingRow] = [event(1), film(1, directory=path.parent)]
    store = EventDatabase(path, FakeClock(), lambda: iter(known))
    store.save_event(event(600))
    written(store)
    assert [row.id for row in everything(store)] == ["e0600", "e0001"]
    assert store.recordings("closed") == [film(1, directory=path.parent)]
    if damage != "empty":  # in which there is nothing to be kept
        assert path.with_name(f"{path.name}.damaged").read_bytes() == content
        assert "was damaged" in caplog.text


@pytest.mark.parametrize("how", ["deleted", "replaced", "deleted with its folder"])
def test_a_file_that_is_deleted_while_the_node_runs_is_made_anew(tmp_path: Path, how: str) -> None:
    """Rows went on into the deleted file, and were gone after the next start."""
    path = tmp_path / "state" / "events.db"
    path.parent.mkdir()
    store = EventDatabase(path, FakeClock(), lambda: [event(1)])
    store.save_event(event(2))
    batch, _ = store._writer._next_batch()
    assert store._writer._tried(lambda: store._writer._write(batch, path))
    store._writer._batch_ended(batch, is_written=True)
    if how == "replaced":
        for file in path.parent.iterdir():
            file.rename(file.with_name(f"old.{file.name}"))
        other = EventDatabase(path, FakeClock())
        other.save_event(event(1))
        written(other)
    elif how == "deleted":
        path.unlink()
    else:
        shutil.rmtree(path.parent)
        store.save_event(event(3))
        written(store)
        assert store._writer.trouble
        path.parent.mkdir()
    store.save_event(event(3))
    written(store)
    assert not store._writer.trouble
    names = ["e0003", "e0002", "e0001"] if how != "replaced" else ["e0003", "e0001"]
    assert [row.id for row in everything(EventDatabase(path, FakeClock()))] == names


def test_damage_that_a_reader_meets_is_mended_with_the_next_row(path: Path) -> None:
    """The writer went on with what it had in memory, and each reader got the events of this run alone."""
    store = EventDatabase(path, FakeClock(), lambda: [event(1)])
    store.save_event(event(2))
    batch, _ = store._writer._next_batch()
    assert store._writer._tried(lambda: store._writer._write(batch, path))
    store._writer._batch_ended(batch, is_written=True)
    with path.open("r+b") as file:
        file.write(b"noise" * 1000)
    path.with_name(f"{path.name}-wal").write_bytes(b"")
    assert everything(store) == (event(2),), "from memory"
    store.save_event(event(3))
    written(store)
    assert [row.id for row in everything(EventDatabase(path, FakeClock()))] == ["e0003", "e0002", "e0001"]
    assert path.with_name(f"{path.name}.damaged").exists()


def test_damage_is_found_at_start_without_anything_to_write(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    store = EventDatabase(path, FakeClock(), lambda: [event(1)])
    store._writer._check()
    assert everything(store) == (event(1),)


def test_damage_that_the_check_does_not_see_is_proven_by_two_writes(path: Path, mocker: MockerFixture) -> None:
    store = EventDatabase(path, FakeClock(), lambda: [event(1)])
    store.save_event(event(2))
    written(store)
    damage = sqlite3.DatabaseError("database disk image is malformed")
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    save = mocker.patch.object(rows, "save_event", side_effect=[damage, damage, *[mocker.DEFAULT] * 4])
    store.save_event(event(3))
    batch, _ = store._writer._next_batch()
    assert [store._writer._tried(lambda: store._writer._write(batch, path)) for _ in range(3)] == [False, False, True]
    assert save.call_count == 6, "two that failed, two of this run, the side-car's, and the one that waited"
    assert path.with_name(f"{path.name}.damaged").exists()


def test_a_database_of_a_newer_version_is_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    content = path.read_bytes()
    store = EventDatabase(path, FakeClock())
    store.save_event(event(1))
    written(store)
    assert path.read_bytes() == content
    assert everything(store) == (event(1),), "of this run, from memory"
    assert "in memory only" in caplog.text


def test_what_is_not_stored_is_told_and_its_end_too(path: Path, mocker: MockerFixture) -> None:
    told: list[str] = []
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    store = EventDatabase(path, FakeClock(), on_trouble=told.append)
    store.save_event(event(1))
    written(store)
    (words,) = told
    assert words.startswith(f"events are kept in memory only: {path} was written by a newer version")
    assert words.endswith("install that version again, or restore a backup from before the upgrade")
    path.unlink()
    told.clear()
    failing = mocker.patch.object(rows, "save_event", side_effect=[sqlite3.OperationalError("disk is full"), None])
    store = EventDatabase(path, FakeClock(), on_trouble=told.append)
    store.save_event(event(1))
    written(store)
    assert told == ["events are not written: disk is full"]
    written(store)
    assert failing.call_count == 2
    assert told == ["events are not written: disk is full", ""]


@pytest.mark.parametrize(("content", "version"), [(b"", 0), (b"no database", None)])
def test_the_version_of_a_file_that_is_no_database(path: Path, content: bytes, version: int | None) -> None:
    path.write_bytes(content)
    assert schema.version_in(path) == version


def test_the_version_in_the_header_is_that_of_sqlite(store: EventDatabase, path: Path) -> None:
    store.save_event(event(1))
    written(store)
    assert schema.version_in(path) == schema.VERSION
    assert [file.name for file in path.parent.iterdir()] == [path.name], "asking leaves nothing beside it"


def test_an_older_database_is_copied_and_brought_up_to_date(
    store: EventDatabase, path: Path, mocker: MockerFixture
) -> None:
    store.save_event(event(1))
    written(store)
    mocker.patch.object(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("ALTER TABLE event ADD COLUMN seen INTEGER",)))
    mocker.patch.object(schema, "VERSION", schema.VERSION + 1)
    assert everything(again(path)) == (event(1),)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert connection.execute("SELECT seen FROM event").fetchone() == (None,)
    assert path.with_name(f"{path.name}.before-migration").exists()


def test_a_migration_that_fails_changes_nothing(store: EventDatabase, path: Path, mocker: MockerFixture) -> None:
    store.save_event(event(1))
    written(store)
    mocker.patch.object(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE more(a)", "no such statement")))
    mocker.patch.object(schema, "VERSION", schema.VERSION + 1)
    with pytest.raises(sqlite3.OperationalError):
        schema.open_writer(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION - 1,)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert "more" not in tables


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("database or disk is full"), OSError(errno.EROFS, "Read-only file system")]
)
def test_what_cannot_be_written_waits_and_is_said_once(
    store: EventDatabase, mocker: MockerFixture, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    failing = mocker.patch.object(schema, "open_writer", side_effect=error)
    store.save_event(event(1))
    for _ in range(3):
        written(store)
    assert caplog.text.count("events are not written") == 1
    assert everything(store) == (event(1),), "from memory"
    mocker.stop(failing)
    caplog.set_level(logging.WARNING)
    written(store)
    assert "written again" in caplog.text
    assert store.flush(0)
    assert everything(store) == (event(1),)


def test_a_folder_that_may_not_be_searched_is_said_and_does_not_end_the_thread(
    store: EventDatabase, path: Path, mocker: MockerFixture
) -> None:
    """The node ended with it, was started anew, and ended again."""
    denied = PermissionError(errno.EACCES, "Permission denied", str(path))
    mocker.patch.object(Path, "stat", side_effect=denied)
    written(store)
    assert "Permission denied" in store._writer.trouble
    mocker.stopall()
    store.save_event(event(1))
    written(store)
    assert everything(store) == (event(1),)


def test_a_write_that_fails_half_way_leaves_nothing_of_it(
    store: EventDatabase, path: Path, mocker: MockerFixture
) -> None:
    store.save_event(event(1))
    written(store)
    store.save_event(event(2))
    store.save_recording(film(1))
    failing = mocker.patch.object(rows, "_RECORDING", "no_such_column")
    written(store)
    with closing(schema.open_writer(path)) as connection:
        assert [row.id for row in rows.events(connection, Query()).rows] == ["e0001"]
    mocker.stop(failing)
    written(store)
    assert [row.id for row in everything(store)] == ["e0002", "e0001"]


def test_side_cars_that_cannot_be_read_cost_no_new_event(path: Path) -> None:
    def unreadable() -> list[EventRow]:
        raise PermissionError(errno.EACCES, "Permission denied")

    store = EventDatabase(path, FakeClock(), unreadable)
    store.save_event(event(1))
    written(store)
    assert everything(store) == (event(1),)


def test_without_a_place_for_a_file_this_run_is_kept_in_memory() -> None:
    store = EventDatabase(None, FakeClock())
    store.save_event(event(1))
    store.save_recording(film(1, "open"))
    assert everything(store) == (event(1),)
    assert store.recordings("open") == [film(1, "open")]
    assert store.waiting() == []
    assert not store.flush(0)
    assert not store._writer._pending


def test_a_film_that_begins_while_another_is_removed_stays_in_memory() -> None:
    store, threads = EventDatabase(None, FakeClock()), list[threading.Thread]()

    class Removed(str):
        """Id of the removed film; a new one begins in another thread while it is looked for."""

        __slots__ = ()

        def __ne__(self, other: object) -> bool:
            if not threads:
                threads.append(threading.Thread(target=store.save_recording, args=[film(2)]))
                threads[0].start()
                threads[0].join(0.2)
            return not self == other

    store.save_recording(film(1))
    store.forget_recording(Removed("r1"))
    threads[0].join()
    assert [row.id for row in store.recordings("closed")] == ["r2"]


def test_what_is_erased_is_not_made_again(store: EventDatabase, path: Path) -> None:
    store.save_event(event(1))
    store._writer._opened(path)
    files = store.forget()
    store.save_event(event(2))
    written(store)
    assert set(path.parent.iterdir()) <= set(files)
    for file in files:
        file.unlink(missing_ok=True)
    store.save_event(event(3))
    written(store)
    assert not list(path.parent.iterdir())


def test_no_database_is_made_on_a_network_file_system(caplog: pytest.LogCaptureFixture, mocker: MockerFixture) -> None:
    mocker.patch.object(writer, "network_file_system", return_value="nfs4")
    store = EventDatabase(Path("/mnt/nas/config.yaml.events.db"), FakeClock())
    store.save_event(event(1))
    assert "network file system (nfs4)" in caplog.text
    assert store.events(Query()).rows == (event(1),)
    assert not store._writer._pending


def test_a_film_in_a_folder_whose_name_is_not_utf_8_is_found_again(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    row = film(1, directory=folder)
    Path(row.path).write_bytes(b"film")
    with closing(schema.open_writer(tmp_path / "events.db")) as connection:
        rows.save_recording(connection, row)
        rows.find_lost(connection)
        assert rows.recordings(connection, ["closed"]) == [row]
