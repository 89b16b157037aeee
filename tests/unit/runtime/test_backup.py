"""Backup and restore: content, restored files, and invalid archives."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.backup_archive import OneWayArchive, add_bytes
from pi_cam_node.cli import backup as command
from pi_cam_node.cli.main import INTERRUPTED, main
from pi_cam_node.runtime import restore
from pi_cam_node.storage.events.schema import open_writer

Run = Callable[..., int]
PICTURE = "20261120T194501123Z-3f2a91c0-000042-single"
YAML = """\
node: {id: porch}
mqtt: {host: broker.lan, username: porch, password_file: secret}
http: {token_file: web/token}
"""
EVENT = (
    "INSERT INTO event VALUES ('e1', 'motion', 1, NULL, NULL, '[]', 'motion', 5.0, NULL, NULL, 'boot', 1)",
    "SELECT id FROM event",
)


class House:
    """A node's folders in a place of their own."""

    def __init__(self, root: Path) -> None:
        self.config = root / "etc" / "config.yaml"
        self.state = root / "var"

    def furnish(self) -> None:
        """Settings with a password and a token, state, a database with one event, and a picture."""
        (self.config.parent / "web").mkdir(parents=True)
        (self.state / "captures").mkdir(parents=True)
        self.config.write_text(YAML)
        (self.config.parent / "secret").write_text("mosquitto\n")
        (self.config.parent / "web" / "token").write_text("long-enough-for-a-token\n")
        (self.config.parent / "foreign").write_text("of somebody else\n")
        (self.state / "config.yaml.privacy_on").write_text("on\n")
        (self.state / "config.yaml.http_link_key").write_text("key\n")
        (self.state / "captures" / f"{PICTURE}.jpg").write_bytes(b"\xff\xd8picture")
        (self.state / "captures" / f"{PICTURE}.json").write_text("{}")
        (self.state / "captures" / "mine.txt").write_text("not the node's")
        with closing(open_writer(self.state / "config.yaml.events.db")) as database:
            database.execute(EVENT[0])

    def files(self) -> set[str]:
        roots = (self.config.parent, self.state)
        return {str(path.relative_to(root)) for root in roots for path in root.rglob("*") if path.is_file()}

    def events(self) -> list[tuple[str]]:
        with closing(sqlite3.connect(self.state / "config.yaml.events.db")) as database:
            return database.execute(EVENT[1]).fetchall()


@pytest.fixture
def old(tmp_path: Path) -> House:
    house = House(tmp_path / "old")
    house.furnish()
    return house


@pytest.fixture
def new(tmp_path: Path) -> House:
    return House(tmp_path / "new")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Run:
    """Runs the program for one house, none of whose nodes is online."""
    mocker.patch.object(command, "is_running", return_value=False)

    def of(house: House, *words: str) -> int:
        monkeypatch.setenv("STATE_DIRECTORY", str(house.state))
        return main([*words, "--config", str(house.config)])

    return of


def test_all_comes_back_but_for_what_is_not_the_nodes(old: House, new: House, run: Run, tmp_path: Path) -> None:
    archive = tmp_path / "porch.tar.gz"
    with closing(sqlite3.connect(old.state / "config.yaml.events.db")) as open_elsewhere:
        open_elsewhere.execute("BEGIN")
        assert run(old, "backup", "--pictures", "-o", str(archive)) == 0
    assert archive.stat().st_mode & 0o777 == 0o600
    assert run(new, "restore", str(archive)) == 0
    assert new.files() == old.files() - {
        "foreign",
        "captures/mine.txt",
        "config.yaml.events.db-wal",
        "config.yaml.events.db-shm",
    }
    assert new.config.read_text() == YAML
    assert (new.state / "captures" / f"{PICTURE}.jpg").read_bytes() == b"\xff\xd8picture"
    assert new.events() == [("e1",)]
    roots = (new.config.parent, new.state)
    assert {p.stat().st_mode & 0o777 for root in roots for p in root.rglob("*") if p.is_file()} == {0o600}


def test_pictures_stay_behind_unless_they_are_asked_for(old: House, new: House, run: Run, tmp_path: Path) -> None:
    assert run(old, "backup", "-o", str(tmp_path / "a")) == 0
    assert run(new, "restore", str(tmp_path / "a")) == 0
    assert not [name for name in new.files() if PICTURE in name]
    assert new.events() == [("e1",)]


def test_what_was_there_is_set_aside_and_privacy_stays_on(old: House, new: House, run: Run, tmp_path: Path) -> None:
    (old.state / "config.yaml.privacy_on").unlink()
    assert run(old, "backup", "--pictures", "-o", str(tmp_path / "a")) == 0
    new.furnish()
    new.config.write_text("node: {id: other}\n")
    (new.state / "captures" / f"{PICTURE}.jpg").write_bytes(b"\xff\xd8mine")
    assert run(new, "restore", str(tmp_path / "a")) == 2
    assert new.config.read_text() == "node: {id: other}\n"
    assert run(new, "restore", "--yes", str(tmp_path / "a")) == 0
    assert run(new, "restore", "--yes", str(tmp_path / "a")) == 0
    assert new.config.read_text() == YAML
    assert (new.config.parent / "config.yaml.before-restore").read_text() == "node: {id: other}\n"
    assert (new.config.parent / "config.yaml.before-restore1").read_text() == YAML
    assert (new.state / "config.yaml.events.db.before-restore").exists()
    assert (new.state / "config.yaml.privacy_on").read_text() == "on\n"
    assert (new.state / "captures" / f"{PICTURE}.jpg").read_bytes() == b"\xff\xd8mine"


def test_a_running_node_is_left_alone(old: House, run: Run, tmp_path: Path, mocker: MockerFixture) -> None:
    assert run(old, "backup", "-o", str(tmp_path / "a")) == 0
    mocker.patch.object(command, "is_running", return_value=True)
    before = old.files()
    assert run(old, "restore", "--yes", str(tmp_path / "a")) == 2
    assert old.files() == before


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(
    old: House,
    run: Run,
    tmp_path: Path,
    mocker: MockerFixture,
) -> None:
    (tmp_path / "a").write_text("an older one")
    assert run(old, "backup", "-o", str(tmp_path / "a")) == 1
    assert (tmp_path / "a").read_text() == "an older one"
    mocker.patch.object(command, "write_backup", side_effect=OSError("the card is dead"))
    assert run(old, "backup", "-o", str(tmp_path / "b")) == 1
    assert not (tmp_path / "b").exists()


MANIFEST = json.dumps({"format": 1, "config": "config.yaml", "made": "x"}).encode()


def archive_of(*members: tuple[str, bytes], link: str = "") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(f"pi-cam-node/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo("pi-cam-node/config/secret")
            member.type, member.linkname = tarfile.SYMTYPE, link
            archive.addfile(member)
    return gzip.compress(packed.getvalue())


GOOD = (("manifest.json", MANIFEST), ("config/config.yaml", b"node: {id: porch}\n"))
STRANGE = {
    "no archive": b"nothing of the kind",
    "empty": archive_of(),
    "no manifest": archive_of(GOOD[1]),
    "of a later format": archive_of(("manifest.json", MANIFEST.replace(b"1", b"2", 1)), GOOD[1]),
    "manifest of nonsense": archive_of(("manifest.json", b"[" * 100_000), GOOD[1]),
    "config elsewhere": archive_of(("manifest.json", MANIFEST.replace(b"config.yaml", b"../config.yaml")), GOOD[1]),
    "manifest of another kind": archive_of(("manifest.json", MANIFEST.replace(b"config", b"consig", 1)), GOOD[1]),
    "no settings": archive_of(GOOD[0]),
    "settings that are not valid": archive_of(GOOD[0], ("config/config.yaml", b"nodes: 1\n")),
    "a way out": archive_of(*GOOD, ("config/../../evil", b"x")),
    "an absolute way": archive_of(*GOOD, ("pictures//etc/evil", b"x")),
    "a picture that is none": archive_of(*GOOD, ("pictures/evil.sh", b"x")),
    "a state that is none": archive_of(*GOOD, ("state/starts", b"x")),
    "a link": archive_of(*GOOD, link="/etc/passwd"),
    "a key without end": archive_of(*GOOD, ("state/http_link_key", bytes(2 << 20))),
    "twice the same": archive_of(*GOOD, GOOD[1]),
    "cut off": archive_of(*GOOD)[:-40],
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_archive_changes_nothing(new: House, run: Run, tmp_path: Path, what: str) -> None:
    new.furnish()
    before = dict.fromkeys(sorted(new.files()))
    (tmp_path / "a").write_bytes(STRANGE[what])
    assert run(new, "restore", "--yes", str(tmp_path / "a")) != 0
    assert dict.fromkeys(sorted(new.files())) == before
    assert new.config.read_text() == YAML
    assert not (tmp_path / "evil").exists()
    assert list(new.state.glob(".restore-*")) == []


def test_the_good_archive_of_these_tests_is_taken(new: House, run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(archive_of(*GOOD))
    assert run(new, "restore", str(tmp_path / "a")) == 0


def test_a_restore_that_fails_half_way_leaves_everything_as_it_was(
    old: House, new: House, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "porch.tar.gz"
    assert run(old, "backup", "-o", str(archive)) == 0
    new.furnish()
    (new.config.parent / "web" / "token").unlink()
    (new.config.parent / "web").rmdir()
    (new.config.parent / "web").write_text("no folder")  # the token cannot be put in its place
    (new.config.parent / "secret").write_text("another\n")
    before = {path: path.read_bytes() for path in tmp_path.joinpath("new").rglob("*") if path.is_file()}
    assert run(new, "restore", "--yes", str(archive)) == 1
    assert "not restored" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.joinpath("new").rglob("*") if path.is_file()} == before
    assert new.events() == [("e1",)]


def test_a_restore_that_is_interrupted_leaves_everything_as_it_was(
    old: House, new: House, run: Run, tmp_path: Path, mocker: MockerFixture
) -> None:
    archive = tmp_path / "porch.tar.gz"
    assert run(old, "backup", "-o", str(archive)) == 0
    new.furnish()
    (new.config.parent / "secret").write_text("another\n")
    before = {path: path.read_bytes() for path in tmp_path.joinpath("new").rglob("*") if path.is_file()}
    mocker.patch.object(restore, "sync", side_effect=[None, None, KeyboardInterrupt])
    assert run(new, "restore", "--yes", str(archive)) == INTERRUPTED
    assert {path: path.read_bytes() for path in tmp_path.joinpath("new").rglob("*") if path.is_file()} == before


def test_any_number_of_pictures_is_synced_at_once(
    old: House, new: House, run: Run, tmp_path: Path, mocker: MockerFixture
) -> None:
    """Each was synced, with its folder: 200,000 took minutes."""
    for number in range(100, 150):
        (old.state / "captures" / f"{PICTURE.replace('000042', f'000{number}')}.jpg").write_bytes(b"\xff\xd8picture")
    assert run(old, "backup", "--pictures", "-o", str(tmp_path / "a")) == 0
    synced, at_once = mocker.spy(os, "fsync"), mocker.spy(restore, "sync_file_system")
    assert run(new, "restore", str(tmp_path / "a")) == 0
    assert len([name for name in new.files() if name.endswith(".jpg")]) == 51
    assert at_once.call_count == 1
    assert synced.call_count < 40


def test_pictures_that_cannot_be_placed_leave_nothing_behind(
    old: House, new: House, run: Run, tmp_path: Path, mocker: MockerFixture
) -> None:
    assert run(old, "backup", "--pictures", "-o", str(tmp_path / "a")) == 0
    mocker.patch.object(restore, "sync_file_system", side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert run(new, "restore", str(tmp_path / "a")) == 1
    assert list((new.state / "captures").iterdir()) == []


def test_an_archive_keeps_none_of_its_members_in_memory() -> None:
    """With one entry for each, a backup of 200,000 files took 200 MiB, and its restore as much."""
    packed = io.BytesIO()
    with OneWayArchive.open(fileobj=packed, mode="w|") as archive:
        for number in range(3):
            add_bytes(archive, f"pictures/{number}", b"x")
            assert archive.members == []
    packed.seek(0)
    with OneWayArchive.open(fileobj=packed, mode="r|*") as archive:
        read = [(member.name, len(archive.members)) for member in archive]
    assert [name for name, _ in read] == [f"pi-cam-node/pictures/{number}" for number in range(3)]
    assert max(kept for _, kept in read) <= 1


def test_a_restore_replaces_no_device_and_no_pipe(
    old: House, new: House, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "porch.tar.gz"
    assert run(old, "backup", "-o", str(archive)) == 0
    new.config.parent.mkdir(parents=True)
    os.mkfifo(new.config)
    assert run(new, "restore", "--yes", str(archive)) == 1
    assert "no regular file" in capsys.readouterr().err
    assert new.config.is_fifo()
    assert new.files() == set()
