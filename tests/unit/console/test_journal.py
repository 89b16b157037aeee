"""What must outlast a restart waits until the database can be written again; the rest is dropped, and told so."""

from __future__ import annotations

import asyncio

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.console import journal as journal_module
from pi_cam_node.console.journal import LASTING_MAX, Entry, Journal
from pi_cam_node.console.store import audit
from pi_cam_node.console.store.audit import AuditRow
from pi_cam_node.console.store.database import Database, StoreUnavailable


def entry(kind: str, what: str, told: list[tuple[str, bool]] | None = None) -> Entry:
    row = AuditRow(1, "Anna", kind, what)
    written = (lambda kept: told.append((what, kept))) if told is not None else (lambda _kept: None)
    return Entry(lambda db: audit.add(db, row), written, is_lasting=kind in audit.STATES)


def test_the_mode_waits_for_a_disk_that_is_full_and_other_entries_do_not(
    database: Database, mocker: MockerFixture
) -> None:
    mocker.patch.object(journal_module, "RETRY_S", 0.01)
    told: list[tuple[str, bool]] = []

    async def run() -> str:
        journal = Journal(database)
        full = mocker.patch.object(database, "run", side_effect=StoreUnavailable("the disk is full"))
        for number in range(3 * LASTING_MAX):
            journal.put(entry("mode", ("home", "away")[number % 2]))
        journal.put(entry("login", "from 192.0.2.7", told))
        writing = asyncio.create_task(journal.run())
        async with asyncio.timeout(30):
            while full.call_count < 3:  # noqa: ASYNC110 - the mock tells nobody
                await asyncio.sleep(0.01)
            assert told == [("from 192.0.2.7", False)]
            mocker.stop(full)
            while await database.read(audit.mode) != "away":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        writing.cancel()
        return "\n".join(row.what for row in await database.read(lambda db: audit.newest(db, 100)))

    assert asyncio.run(run()) == "\n".join(["away", "home"] * (LASTING_MAX // 2))


def test_entries_that_are_not_kept_are_logged_once_and_counted_at_the_end(
    database: Database, mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        journal = Journal(database)
        full = mocker.patch.object(database, "run", side_effect=StoreUnavailable("the disk is full"))
        for number in range(5):
            journal.put(entry("login", f"from 192.0.2.{number}"))
            await journal.flush()
        mocker.stop(full)
        for number in range(2):
            journal.put(entry("login", f"from 192.0.2.{number}"))
            await journal.flush()

    asyncio.run(run())
    assert [record.message for record in caplog.records if record.name == journal_module.__name__] == [
        "entries are not kept: the disk is full",
        "5 entries were not kept while the database could not be written",
    ]
