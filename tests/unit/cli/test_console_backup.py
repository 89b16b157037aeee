"""``pi-cam-node console backup``: content, and restoring it."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from pi_cam_node.cli.console import main
from tests.support.running_node import REPOSITORY

YAML = """\
mqtt: {host: broker.lan, username: console, password_file: secret}
console: {id: house}
cameras: [{id: yard, source_file: camera-sources/yard}, {id: gate, source: synthetic}]
"""


def console(folder: Path) -> sqlite3.Connection:
    """Make a console's folder; return its open database, in which a row is not in the file yet."""
    data = folder / "console-data"
    for below in ("ca", "nodes/shed/captures"):
        (data / below).mkdir(parents=True)
    (folder / "console.yaml").write_text(YAML)
    (folder / "secret").write_text("canary")
    (folder / "foreign").write_text("of somebody else")
    (folder / "camera-sources").mkdir()
    (folder / "camera-sources" / "yard").write_text("rtsp://anna:canary@192.0.2.7/")
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
    assert "backup of the console house: 6 files" in capsys.readouterr().err
    assert target.stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as archive:
        archive.extractall(again, filter="data")
    found = {str(path.relative_to(again / "pi-cam-node")) for path in again.rglob("*") if path.is_file()}
    data = {f"console-data/{name}" for name in ("console.db", "vapid.key", "ca/ca.key")}
    assert found == {"console.yaml", "secret", "camera-sources/yard", *data}
    with closing(sqlite3.connect(again / "pi-cam-node" / "console-data" / "console.db")) as database:
        assert database.execute("SELECT name FROM account").fetchall() == [("anna",)]


def test_the_commands_of_the_page_about_containers_restore_it(tmp_path: Path) -> None:
    state, settings, target = tmp_path / "state", tmp_path / "etc", tmp_path / "house.tar.gz"
    for folder in (tmp_path / "old", state / "console", settings):
        folder.mkdir(parents=True)
    with closing(console(tmp_path / "old")):
        assert main(["backup", "--config", str(tmp_path / "old" / "console.yaml"), "-o", str(target)]) == 0
    (state / "console" / "console.db-wal").write_text("of the database before")
    page = (REPOSITORY / "docs" / "how-to" / "docker.md").read_text()
    (script,) = re.findall(r"--entrypoint sh console -euc '(.+?)'", page, re.DOTALL)
    script = script.replace("/var/lib/pi-cam-node", str(state)).replace("/etc/pi_cam_node", str(settings))
    for _again in range(2):
        with target.open("rb") as archive:
            subprocess.run(["sh", "-euc", script], stdin=archive, check=True)
    assert {path.name for path in state.iterdir()} == {"console", "console-before"}
    assert {path.name for path in (state / "console").iterdir()} == {"ca", "console.db", "vapid.key"}
    assert (state / "console" / "console.db").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in settings.iterdir()} == {"console.yaml", "secret", "camera-sources"}


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
