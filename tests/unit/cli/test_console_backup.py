"""``pi-cam-node console backup``: content, and restoring it."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from pi_cam_node.cli.console import main

YAML = """\
mqtt: {host: broker.lan, username: console, password_file: secret}
console: {id: house}
"""


def console(folder: Path) -> sqlite3.Connection:
    """Make a console's folder; return its open database, in which a row is not in the file yet."""
    data = folder / "console-data"
    for below in ("ca", "nodes/shed/captures"):
        (data / below).mkdir(parents=True)
    (folder / "console.yaml").write_text(YAML)
    (folder / "secret").write_text("canary")
    (folder / "foreign").write_text("of somebody else")
    for name in ("vapid.key", "ca/ca.key", ".half.part", "console.db.damaged-1", "nodes/shed/captures/a.jpg"):
        (data / name).write_text(name)
    database = sqlite3.connect(data / "console.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE account (name TEXT)")
    database.execute("INSERT INTO account VALUES ('anna')")
    return database


def test_settings_keys_and_database_are_in_it_while_it_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, again = tmp_path / "house.tar.gz", tmp_path / "again"
    (tmp_path / "old").mkdir()
    with closing(console(tmp_path / "old")):
        assert main(["backup", "--config", str(tmp_path / "old" / "console.yaml"), "-o", str(target)]) == 0
    assert "backup of the console house: 5 files" in capsys.readouterr().err
    assert target.stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as archive:
        archive.extractall(again, filter="data")
    found = {str(path.relative_to(again / "pi-cam-node")) for path in again.rglob("*") if path.is_file()}
    data = {f"console-data/{name}" for name in ("console.db", "vapid.key", "ca/ca.key")}
    assert found == {"console.yaml", "secret", *data}
    with closing(sqlite3.connect(again / "pi-cam-node" / "console-data" / "console.db")) as database:
        assert database.execute("SELECT name FROM account").fetchall() == [("anna",)]


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "console-data").mkdir()
    (tmp_path / "console-data" / "console.db").write_text("no database at all, " * 99)
    (tmp_path / "console.yaml").write_text("console: {id: house}\n")
    target = tmp_path / "house.tar.gz"
    assert main(["backup", "--config", str(tmp_path / "console.yaml"), "-o", str(target)]) == 1
    assert "there is no backup: file is not a database" in capsys.readouterr().err
    assert not target.exists()
    (tmp_path / "console.yaml").write_text("console: {idd: house}\n")
    assert main(["backup", "--config", str(tmp_path / "console.yaml"), "-o", str(target)]) == 2
