"""The doctor's checks of the event database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pytest_mock import MockerFixture

from pi_cam_node.cli.doctor import event_checks
from pi_cam_node.cli.doctor.finding import ok
from pi_cam_node.storage.events import schema


def test_events_that_cannot_be_stored_are_told_with_what_to_do(tmp_path: Path, mocker: MockerFixture) -> None:
    path = tmp_path / "my.yaml.events.db"
    assert event_checks.check_events(path) == ok("events", f"{path} will be made")
    assert event_checks.check_events(None).state == "warning"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    assert event_checks.check_events(path) == ok("events", str(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    newer = event_checks.check_events(path)
    assert newer.state == "failed"
    assert "newer version of pi_cam_node" in newer.text
    assert newer.text.endswith("they are kept in memory only")
    assert newer.advice == "install that version again, or restore a backup from before the upgrade"
    path.write_text("no database at all")
    assert event_checks.check_events(path).state == "warning"
    mocker.patch("os.access", return_value=False)
    assert event_checks.check_events(path).text == f"{path} cannot be used: Permission denied"
    mocker.patch.object(event_checks, "network_file_system", return_value="nfs4")
    assert event_checks.check_events(path).text.endswith("(nfs4), so they are kept in memory only")
