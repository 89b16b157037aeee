"""`backup` and `restore` where a file cannot be read or written."""

from __future__ import annotations

from pathlib import Path

import pytest

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
