"""`backup` and `restore` where a file cannot be read or written."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.cli.backup import main, restore


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("node: {id: porch}\nmqtt: {host: broker.lan}\n")
    return path


def test_a_backup_that_cannot_be_written_says_why_and_what_to_do(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken, nowhere = tmp_path / "taken.tar.gz", tmp_path / "nowhere" / "porch.tar.gz"
    taken.write_bytes(b"of yesterday")
    for target, told in (
        (taken, f"there is no backup: {taken}: File exists; name a new file"),
        (nowhere, f"there is no backup: {nowhere}: No such file or directory; check the path, and make the folder"),
    ):
        assert main(["--config", str(config), "-o", str(target)]) == 1
        assert told in capsys.readouterr().err
    assert taken.read_bytes() == b"of yesterday"


def test_a_folder_of_somebody_else_is_written_to_by_the_shell(
    tmp_path: Path, config: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "porch.tar.gz"
    really = os.open

    def opened(path: Path, *flags: int, **at: int) -> int:
        if path == target:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return really(path, *flags, **at)

    mocker.patch("os.open", opened)
    assert main(["--config", str(config), "-o", str(target)]) == 1
    told = f"{target}: Permission denied; leave -o out, and write the output there: … backup >{target}\n"
    assert capsys.readouterr().err.endswith(told)


def test_a_backup_on_stdout_is_on_the_disk_when_it_is_done(
    config: Path, mocker: MockerFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    synced = mocker.spy(os, "fsync")
    with capfd.disabled(), tempfile.TemporaryFile("w") as file, redirect_stdout(file):
        assert main(["--config", str(config)]) == 0
        synced.assert_called_once_with(file.fileno())


@pytest.mark.parametrize(("mode", "is_told"), [(0o644, True), (0o640, True), (0o600, False)])
def test_a_file_of_the_shell_that_others_can_read_is_told(
    config: Path, capfd: pytest.CaptureFixture[str], mode: int, is_told: bool
) -> None:
    with tempfile.TemporaryFile("w") as file, redirect_stdout(file):
        os.fchmod(file.fileno(), mode)
        assert main(["--config", str(config)]) == 0
    assert ("others can read that file" in capfd.readouterr().err) is is_told


def test_an_archive_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new.yaml"
    for archive, told in (
        (tmp_path / "gone.tar.gz", "No such file or directory; check the path"),
        (tmp_path, "Is a directory; name a file in it"),
    ):
        assert restore([str(archive), "--config", str(target)]) == 1
        said = capsys.readouterr().err
        assert f"not restored: {archive}: {told}" in said
        assert "Errno" not in said
    assert not target.exists()


def test_a_restore_in_a_terminal_does_not_wait_for_an_archive_to_be_typed(
    tmp_path: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    mocker.patch("sys.stdin", mocker.Mock(isatty=lambda: True))
    assert restore(["--config", str(tmp_path / "new.yaml")]) == 2
    assert capsys.readouterr().err == "pi-cam-node: name the archive, or send it to the input\n"
