"""The console's database file: creation, migration, damage, refusal."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import functools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.console.store import accounts, audit, devices, schema
from pi_cam_node.console.store import database as database_module
from pi_cam_node.console.store.accounts import Account
from pi_cam_node.console.store.database import PRAGMAS, Database, StoreUnavailable
from pi_cam_node.console.store.events import EventRow, put
from pi_cam_node.console.store.folder_lock import lock_folder
from tests.support.fakes.clock import FakeClock

Open = Callable[[], Database]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Database] = []

    def open_() -> Database:
        database = Database(tmp_path, FakeClock())
        database.open()
        made.append(database)
        return database

    yield open_
    for database in made:
        database.close()


def count(database: Database, table: str) -> int:
    return int(asyncio.run(database.read(lambda db: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])))


def put_account(database: Database) -> None:
    asyncio.run(database.run(lambda db: accounts.put_account(db, Account("1", "Anna", "owner", "x"))))


def test_ten_tables_and_a_file_for_its_owner_alone(opened: Open, tmp_path: Path) -> None:
    database = opened()
    asked = "SELECT name FROM sqlite_master WHERE type='table'"
    tables = asyncio.run(database.read(lambda db: [name for (name,) in db.execute(asked)]))
    assert sorted(tables) == sorted(
        ["node", "event", "media", "sensor", "sensor_change", "account", "session", "device", "delivery", "audit"]
    )
    assert (tmp_path / "console.db").stat().st_mode & 0o777 == 0o600
    assert asyncio.run(database.read(lambda db: db.execute("PRAGMA synchronous").fetchone()[0])) == 2
    assert asyncio.run(database.read(lambda db: db.execute("PRAGMA journal_mode").fetchone()[0])) == "wal"


def test_a_transaction_is_all_or_nothing(opened: Open) -> None:
    database = opened()

    def half(db: sqlite3.Connection) -> None:
        accounts.put_account(db, Account("1", "Anna", "owner", "x"))
        raise KeyError("half way")

    with pytest.raises(KeyError):
        asyncio.run(database.run(half))
    assert count(database, "account") == 0


def test_a_damaged_file_is_set_aside_and_people_keep_their_accounts(opened: Open, tmp_path: Path) -> None:
    database = opened()
    put_account(database)
    database.close()
    file = tmp_path / "console.db"
    with closing(sqlite3.connect(file)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name='event_at'").fetchone()
    raw = bytearray(file.read_bytes())
    raw[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"\xff" * 64
    file.write_bytes(raw)
    again = opened()
    assert again.was_damaged
    assert count(again, "account") == 1
    assert (tmp_path / "console.db.damaged-20261120T194500").read_bytes()[:16] == b"SQLite format 3\0"


def test_of_damaged_files_the_newest_are_kept(opened: Open, tmp_path: Path) -> None:
    database = opened()
    put_account(database)
    database.close()
    for day in range(1, 6):
        for suffix in ("", "-wal"):
            (tmp_path / f"console.db.damaged-2026110{day}T000000{suffix}").touch()
    damage(tmp_path / "console.db", "event_at")
    assert opened().was_damaged
    kept = [path.name for path in tmp_path.glob("console.db.damaged-*")]
    assert len([name for name in kept if not name.endswith(("-wal", "-shm"))]) == 3
    assert {"console.db.damaged-20261104T000000", "console.db.damaged-20261120T194500"} <= set(kept)
    assert "console.db.damaged-20261102T000000-wal" not in kept


def damage(file: Path, table: str) -> None:
    """Overwrite the root page of a table or an index."""
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name=?", (table,)).fetchone()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(b"\xff" * 4096)


def test_damage_that_comes_up_in_work_is_set_aside_and_the_work_done_on_the_new_file(
    opened: Open, tmp_path: Path
) -> None:
    database, told = opened(), list[str]()
    database.on_set_aside = lambda: told.append("set aside")
    put_account(database)
    asyncio.run(database.run(lambda db: audit.add(db, audit.AuditRow(1, "Anna", "mode", "away"))))
    for node in ("", "porch"):
        row = EventRow(node, "e1", 5, "rule", "porch")
        asyncio.run(database.run(lambda db, row=row: void(put(db, row))))  # type: ignore[misc]
    asyncio.run(database.run(lambda db: void(db.execute("PRAGMA cache_size=0"))))
    damage(tmp_path / "console.db", "event_at")
    asked = "SELECT count(*) FROM event INDEXED BY event_at WHERE at_ms > 0"
    assert asyncio.run(database.read(lambda db: db.execute(asked).fetchone()[0])) == 1, "that of the node comes again"
    assert (database.was_damaged, database.trouble, len(told)) == (True, "", 1)
    assert (count(database, "account"), asyncio.run(database.read(audit.mode))) == (1, "away")
    put_account(database)
    assert len(told) == 1
    assert len(list(tmp_path.glob("console.db.damaged-*[0-9]"))) == 1


def test_a_new_file_that_cannot_be_made_is_tried_again(opened: Open, tmp_path: Path, mocker: MockerFixture) -> None:
    database = opened()
    put_account(database)
    asyncio.run(database.run(lambda db: void(db.execute("PRAGMA cache_size=0"))))
    damage(tmp_path / "console.db", "event_at")
    asked = "SELECT count(*) FROM event INDEXED BY event_at WHERE at_ms > 0"
    full = mocker.patch.object(Database, "_connected", side_effect=sqlite3.OperationalError("disk is full"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            asyncio.run(database.read(lambda db: db.execute(asked).fetchone()[0]))
    assert "full" in database.trouble
    mocker.stop(full)
    put_account(database)
    assert (count(database, "account"), database.trouble) == (1, "")


def test_a_replacement_that_failed_is_tried_again_after_a_while_and_logged_once(
    tmp_path: Path, mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    """Each copies all that can be read, and pages and events come several times a second."""
    clock = FakeClock()
    database = Database(tmp_path, clock)
    database.open()
    put_account(database)
    asyncio.run(database.run(lambda db: void(db.execute("PRAGMA cache_size=0"))))
    damage(tmp_path / "console.db", "event_at")
    asked = "SELECT count(*) FROM event INDEXED BY event_at WHERE at_ms > 0"
    copied = mocker.patch.object(database_module, "salvage", side_effect=sqlite3.OperationalError("disk is full"))
    for tried in (1, 1, 1, 2, 2):
        with pytest.raises(StoreUnavailable, match="disk is full"):
            asyncio.run(database.read(lambda db: db.execute(asked).fetchone()[0]))
        assert copied.call_count == tried
        clock.advance(12.0)
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == len(set(errors)) == 2, errors
    mocker.stopall()
    clock.advance(30.0)
    assert asyncio.run(database.read(lambda db: db.execute(asked).fetchone()[0])) == 0
    assert (count(database, "account"), database.trouble) == (1, "")
    database.close()


def many_accounts(db: sqlite3.Connection) -> None:
    for number in range(200):
        accounts.put_account(db, Account(str(number), f"n{number}", "owner", "x" * 500))


@pytest.mark.parametrize("while_open", [False, True], ids=["at the start", "while it is open"])
def test_a_disk_full_while_a_damaged_file_is_replaced_loses_no_account(
    opened: Open, tmp_path: Path, mocker: MockerFixture, *, while_open: bool
) -> None:
    database, asked = opened(), "SELECT count(*) FROM event INDEXED BY event_at WHERE at_ms > 0"
    asyncio.run(database.run(many_accounts))
    asyncio.run(database.run(lambda db: void(db.execute("PRAGMA cache_size=0"))))
    if not while_open:
        database.close()
    damage(tmp_path / "console.db", "event_at")
    mocker.patch("pi_cam_node.console.store.database.PRAGMAS", (*PRAGMAS, "max_page_count=40"))
    mocker.patch.object(database_module, "REPLACE_EVERY_S", 0.0)
    for _ in range(2):
        if while_open:
            with pytest.raises(StoreUnavailable, match="full"):
                asyncio.run(database.read(lambda db: db.execute(asked).fetchone()[0]))
            assert count(database, "account") == 200, "what is not damaged can be read"
        else:
            with pytest.raises(OSError, match="full"):
                opened()
        assert not list(tmp_path.glob("console.db.new*")), "it takes no room"
    mocker.stopall()
    again = database if while_open else opened()
    assert asyncio.run(again.read(lambda db: db.execute(asked).fetchone()[0])) == 0
    assert (again.was_damaged, again.trouble, count(again, "account")) == (True, "", 200)
    assert len(list(tmp_path.glob("console.db.damaged-*[0-9]"))) == 1
    assert not list(tmp_path.glob("console.db.new*"))


def test_a_power_failure_between_two_renames_leaves_the_new_file_in_use(opened: Open, tmp_path: Path) -> None:
    database = opened()
    put_account(database)
    database.close()
    (tmp_path / "console.db").rename(tmp_path / "console.db.new")
    assert count(opened(), "account") == 1


def first_version(file: Path) -> sqlite3.Connection:
    """Return a database of the first version, with the account of its owner."""
    db = sqlite3.connect(file)
    for statement in schema.FIRST:
        db.execute(statement)
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO account VALUES ('1', 'Anna', 'owner', 'x', 'null', '')")
    db.commit()
    return db


def test_accounts_of_a_damaged_file_of_an_earlier_version_are_taken_over(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "console.db"
    first_version(file).close()
    damage(file, "event_at")
    database = opened()
    assert (database.was_damaged, count(database, "account")) == (True, 1)


def test_a_file_that_is_none_is_set_aside(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "console.db").write_bytes(b"no database" * 1000)
    again = opened()
    assert again.was_damaged
    assert count(again, "account") == 0


def test_a_file_of_a_later_version_is_refused_and_untouched(opened: Open, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "console.db")) as db:
        db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    before = (tmp_path / "console.db").read_bytes()
    with pytest.raises(ConfigError, match="version"):
        opened()
    assert (tmp_path / "console.db").read_bytes() == before


def test_a_file_of_the_first_version_is_brought_up_and_a_copy_stays(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "console.db"
    with closing(first_version(file)) as db:
        db.execute("INSERT INTO device VALUES ('d', '1', 'webpush', 'https://a/', '{}', 'Phone', 5, NULL, NULL, '{}')")
        db.execute("INSERT INTO event VALUES (7, 'porch', 'e', 5, 'motion', 'porch', NULL, NULL, NULL, '{}')")
        db.execute("INSERT INTO delivery VALUES (7, 'd', 'waiting', 2, 9, 503, 5, 'Door')")
        db.execute("INSERT INTO sensor VALUES ('door', 'note', 'Green', '', '', '', '{}', 'Hall', '[]')")
        db.commit()
    database = opened()
    ((delivery, device, event),) = asyncio.run(database.read(lambda db: devices.due(db, 9, 8)))
    assert (delivery.text, delivery.tries, delivery.why, device.label, event.id) == ("Door", 2, "", "Phone", "e")
    sensors = asyncio.run(
        database.read(lambda db: db.execute("SELECT name, announced, heard_ms FROM sensor").fetchall())
    )
    assert sensors == [("Green", "", 0)]
    assert asyncio.run(database.read(schema.version_of)) == schema.VERSION
    with closing(sqlite3.connect(tmp_path / "console.db.v1")) as db:
        assert db.execute("SELECT text FROM delivery").fetchall() == [("Door",)]
    assert (tmp_path / "console.db.v1").stat().st_mode & 0o777 == 0o600


def test_a_step_that_fails_leaves_the_version_before(tmp_path: Path, mocker: MockerFixture) -> None:
    db = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    schema.migrate(db)
    copied: list[int] = []

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE more (x) STRICT")

    mocker.patch.object(schema, "STEPS", (*schema.STEPS, broken))
    mocker.patch.object(schema, "VERSION", schema.VERSION + 1)
    with pytest.raises(sqlite3.Error):
        schema.migrate(db, copied.append)
    assert db.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION - 1
    assert copied == [schema.VERSION - 1]
    db.close()
    db.close()


def test_a_full_disk_is_said_and_over_when_there_is_room(opened: Open) -> None:
    database = opened()
    asyncio.run(database.run(lambda db: void(db.execute("PRAGMA max_page_count = 1"))))

    def much(db: sqlite3.Connection) -> None:
        for number in range(500):
            accounts.put_account(db, Account(str(number), f"n{number}", "owner", "x" * 500))

    pages = asyncio.run(database.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0]))
    asyncio.run(database.read(lambda db: void(db.execute(f"PRAGMA max_page_count = {pages}"))))
    with pytest.raises(StoreUnavailable):
        asyncio.run(database.run(much))
    assert "full" in database.trouble
    asyncio.run(database.read(lambda db: void(db.execute("PRAGMA max_page_count = 1000000"))))
    asyncio.run(database.run(much))
    assert database.trouble == ""


def test_a_second_console_in_the_same_folder_is_refused_until_the_first_has_ended(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    """Each has accounts and sessions in memory: a password that one had changed still opened the other."""
    mocker.patch.object(database_module, "lock_folder", functools.partial(lock_folder, wait_s=0))
    first, second = Database(tmp_path, FakeClock()), Database(tmp_path, FakeClock())
    first.open()
    with pytest.raises(ConfigError, match="another console uses"):
        second.open()
    assert asyncio.run(first.read(lambda db: db.execute("SELECT count(*) FROM account").fetchone())) == (0,)
    first.close()
    second.open()
    second.close()


def test_a_file_system_without_locks_is_used_without_one(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(fcntl, "flock", side_effect=OSError(errno.ENOLCK, "No locks available"))
    database = Database(tmp_path, FakeClock())
    database.open()
    database.close()


def test_beside_a_new_database_lie_no_copies_of_older_versions(tmp_path: Path) -> None:
    database = Database(tmp_path, FakeClock())
    database.open()
    database.close()
    assert [file.name for file in tmp_path.iterdir()] == ["console.db"]


def test_no_database_is_made_on_a_network_file_system(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(database_module, "network_file_system", return_value="nfs4")
    with pytest.raises(ConfigError, match="nfs4"):
        Database(tmp_path, FakeClock()).open()
    assert list(tmp_path.iterdir()) == []


def void(_result: object) -> None:
    """Take an argument and ignore it."""
