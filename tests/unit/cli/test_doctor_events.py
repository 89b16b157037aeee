"""The doctor's checks of the event database and of a disk that cannot be written."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.cli.doctor import event_checks, machine_checks
from pi_cam_node.cli.doctor.finding import ok
from pi_cam_node.config import Config
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
    assert event_checks.check_events(tmp_path / "other.db").text == f"{tmp_path / 'other.db'} cannot be made"
    assert event_checks.check_events(path).text == f"{path} cannot be used: Permission denied"
    mocker.patch.object(event_checks, "network_file_system", return_value="nfs4")
    assert event_checks.check_events(path).text.endswith("(nfs4), so they are kept in memory only")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "mount it writable"),
        (errno.EIO, "replace it"),
        (errno.EACCES, "give it to the user"),
    ],
)
def test_the_advice_for_a_disk_fits_its_fault(tmp_path: Path, mocker: MockerFixture, number: int, advice: str) -> None:
    """A full disk was to be given to another user."""
    mocker.patch("tempfile.TemporaryFile", side_effect=OSError(number, os.strerror(number)))
    found = machine_checks.check_disk(Config.model_validate({"export": {"base_dir": str(tmp_path)}}))
    assert found.text == f"{tmp_path} cannot be written: {os.strerror(number)}"
    assert advice in found.advice
