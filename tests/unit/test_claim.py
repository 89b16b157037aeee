"""One node to a folder, and none that is kept from starting by a folder that cannot be held."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pi_cam_node.errors import ConfigError
from pi_cam_node.startup import begin
from pi_cam_node.storage.claim import FILE_NAME, FolderClaim


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "captures"


def test_a_second_one_is_refused_and_told_what_to_set(folder: Path) -> None:
    with FolderClaim() as first, FolderClaim(patience_s=0) as second:
        first.take(folder)
        with pytest.raises(ConfigError, match=f"export.base_dir: another node runs with {folder}"):
            second.take(folder)


def test_what_is_given_back_leaves_nothing_and_can_be_taken_again(folder: Path) -> None:
    for _ in range(2):
        with FolderClaim(patience_s=0) as claim:
            claim.take(folder)
            assert [path.name for path in folder.iterdir()] == [FILE_NAME]
            assert (folder / FILE_NAME).stat().st_mode & 0o777 == 0o600
        assert list(folder.iterdir()) == []


def test_a_predecessor_that_is_just_ending_is_waited_for(folder: Path) -> None:
    with FolderClaim() as first, FolderClaim(patience_s=30) as second:
        first.take(folder)
        ending = threading.Timer(0.3, first.release)
        ending.start()
        second.take(folder)
        ending.join(10)
        with pytest.raises(ConfigError), FolderClaim(patience_s=0) as third:
            third.take(folder)


def test_what_a_killed_one_left_holds_nothing_though_a_child_of_it_lives(folder: Path) -> None:
    with FolderClaim() as claim:
        claim.take(folder)
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
        try:
            assert claim._descriptor is not None
            os.close(claim._descriptor)  # as the kernel does it
            claim._descriptor = None
            with FolderClaim() as next_one:  # the child may need a moment until it runs its program
                next_one.take(folder)
        finally:
            child.communicate(b"\n", timeout=30)


def test_a_file_that_somebody_put_in_its_place_is_not_removed(folder: Path) -> None:
    with FolderClaim() as claim:
        claim.take(folder)
        (folder / FILE_NAME).unlink()
        (folder / FILE_NAME).write_text("another")
    assert (folder / FILE_NAME).read_text() == "another"


@pytest.mark.parametrize("what", ["a file", "not mounted", "a link", "no locks"])
def test_a_folder_that_cannot_be_held_keeps_nobody_from_starting(
    folder: Path, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if what == "a file":
        folder.write_bytes(b"")
    elif what == "not mounted":
        folder = folder / "usb" / "captures"
    elif what == "a link":
        folder.mkdir()
        (folder / FILE_NAME).symlink_to("elsewhere")
    else:

        def refuse(_descriptor: int, _how: int) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(fcntl, "flock", refuse)
    with FolderClaim() as claim:
        claim.take(folder)
    assert "nothing keeps another node out of" in caplog.text
    assert (folder.parent.exists(), (folder.parent / "elsewhere").exists()) == (what != "not mounted", False)


def test_a_folder_that_is_not_there_is_not_made_to_be_erased(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with FolderClaim() as claim:
        claim.take(folder, make=False)
    assert (folder.exists(), caplog.text) == (False, "")


def test_a_start_that_is_refused_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("export: {base_dir: captures}\n")
    with FolderClaim() as first, FolderClaim(patience_s=0) as second:
        assert begin(file, {}, first.take)[1].number == 1
        before = (tmp_path / "my.yaml.starts").read_bytes()
        with pytest.raises(ConfigError, match="another node"):
            begin(file, {}, second.take)
        assert (tmp_path / "my.yaml.starts").read_bytes() == before
    assert json.loads(before)["start"] == 1
