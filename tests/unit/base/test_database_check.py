"""The database check at start: detection of damage, and its time limit."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.database_check import quick_check, reason_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE event(id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        connection.executemany("INSERT INTO event(text) VALUES(?)", [("x" * 100,)] * 5000)
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as opened:
        yield opened


def test_nothing_is_wrong_with_a_whole_database(connection: sqlite3.Connection) -> None:
    assert quick_check(connection) == ""


def test_a_damaged_page_is_found(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40_000:60_000] = os.urandom(20_000)
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        assert "page" in quick_check(connection).lower()


def test_a_check_that_takes_too_long_is_ended_and_the_connection_is_of_use_afterwards(
    connection: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert quick_check(connection, limit_s=0.0) == ""
    assert "only a part" in caplog.text
    # A query of more steps than lie between two looks at the time limit.
    assert connection.execute("SELECT sum(length(text)) FROM event").fetchone() == (500_000,)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    path.write_bytes(b"no database at all" * 100)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.DatabaseError):
        quick_check(connection)


@pytest.mark.parametrize(
    ("code", "room", "expected"),
    [
        (sqlite3.SQLITE_IOERR_SHMSIZE, (0, 100, 9), "the disk is full (it failed)"),
        (sqlite3.SQLITE_CANTOPEN, (7, 100, 0), "the disk is full (it failed)"),
        (sqlite3.SQLITE_CANTOPEN, (7, 0, 0), "it failed"),  # a file system that counts no files
        (sqlite3.SQLITE_IOERR, (7, 100, 9), "it failed"),
        (sqlite3.SQLITE_CORRUPT, (0, 100, 0), "it failed"),
    ],
)
def test_a_database_that_a_full_disk_does_not_let_open_says_so(
    tmp_path: Path, mocker: MockerFixture, code: int, room: tuple[int, int, int], expected: str
) -> None:
    told = dict(zip(("f_bavail", "f_files", "f_favail"), room, strict=True))
    mocker.patch("os.statvfs", return_value=SimpleNamespace(**told))
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorcode = code
    assert reason_of(error, tmp_path) == expected
