"""The marker file of privacy, with all kinds of damage."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.cli.bench import command
from pi_cam_node.config import loader
from pi_cam_node.runtime.startup import remembered
from pi_cam_node.storage.privacy_marker import PrivacyMarker
from tests.support.model_disk import Disk, Killed


@pytest.fixture
def mark(tmp_path: Path) -> PrivacyMarker:
    return PrivacyMarker(tmp_path / "captures")


def test_a_folder_that_is_not_there_yet_means_off(mark: PrivacyMarker) -> None:
    assert not mark.is_there
    mark.put(on=False)
    assert not mark.path.parent.exists()


def test_it_is_made_private_and_empty_and_goes_again(mark: PrivacyMarker) -> None:
    mark.put(on=True)
    mark.put(on=True)
    assert mark.is_there
    assert (mark.path.read_bytes(), mark.path.stat().st_mode & 0o777) == (b"", 0o600)
    assert [path.name for path in mark.path.parent.iterdir()] == [".privacy_on"]
    mark.put(on=False)
    assert not mark.is_there


@pytest.mark.parametrize("on", [True, False])
def test_what_a_killed_process_left_is_on_disk_before_anybody_is_told(tmp_path: Path, on: bool) -> None:
    disk = Disk(tmp_path)
    with disk.watched():
        (tmp_path / "captures").mkdir()
        mark = PrivacyMarker(tmp_path / "captures")
        if not on:
            mark.put(on=True)
        disk.kill_after = 4 if on else 1  # its name is there, or gone, and not synced
        with pytest.raises(Killed):
            mark.put(on)
        disk.kill_after = None
        assert (mark.is_there, disk.unsynced > 0) == (on, True)
        mark.put(on)
    disk.cut(names_kept=0, fate=0)
    assert mark.is_there is on


def test_a_start_in_privacy_makes_sure_that_the_next_one_is(tmp_path: Path) -> None:
    disk, loaded = Disk(tmp_path), loader.load(None, {"PI_CAM_NODE__EXPORT__BASE_DIR": str(tmp_path)})
    with disk.watched():
        os.close(os.open(tmp_path / ".privacy_on", os.O_CREAT | os.O_WRONLY))
        assert remembered(loaded, None).config.privacy.enable
    disk.cut(names_kept=0, fate=0)
    assert remembered(loaded, None).config.privacy.enable


@pytest.mark.parametrize("damage", ["garbage", "dangling link", "folder", "unreadable"])
def test_a_damaged_one_means_on(mark: PrivacyMarker, damage: str) -> None:
    mark.path.parent.mkdir()
    if damage == "garbage":
        mark.path.write_bytes(os.urandom(64))
    elif damage == "dangling link":
        mark.path.symlink_to("nowhere")
    elif damage == "folder":
        mark.path.mkdir()
    else:
        mark.path.touch(0o000)
    assert mark.is_there


def test_where_nobody_can_look_it_is_on(tmp_path: Path) -> None:
    (tmp_path / "captures").write_bytes(b"a file instead of the folder")
    assert PrivacyMarker(tmp_path / "captures").is_there


def test_one_that_cannot_be_removed_is_told(mark: PrivacyMarker) -> None:
    mark.path.mkdir(parents=True)
    with pytest.raises(NotSaved):
        mark.put(on=False)


@pytest.mark.parametrize("on", [True, False])
def test_a_folder_that_is_none_is_told(tmp_path: Path, on: bool) -> None:
    (tmp_path / "captures").write_bytes(b"")
    with pytest.raises(NotSaved):
        PrivacyMarker(tmp_path / "captures").put(on)


@pytest.mark.parametrize("lost", ["with the pictures", "beside the settings"])
def test_either_of_the_two_means_on_and_both_go(tmp_path: Path, lost: str) -> None:
    mark = PrivacyMarker(tmp_path / "captures", tmp_path / "my.yaml.privacy_on")
    mark.put(on=True)
    (mark.path if lost == "with the pictures" else tmp_path / "my.yaml.privacy_on").unlink()
    assert mark.is_there
    mark.put(on=False)
    assert not mark.is_there
    assert [path.name for path in tmp_path.iterdir()] == ["captures"]


def test_a_folder_of_settings_that_cannot_be_written_leaves_the_one_with_the_pictures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "etc").write_bytes(b"a file instead of the folder")
    mark = PrivacyMarker(tmp_path / "captures", tmp_path / "etc" / "my.yaml.privacy_on")
    mark.put(on=True)
    assert mark.path.exists()
    assert "with the pictures only" in caplog.text


def test_a_read_only_folder_of_settings_does_not_keep_privacy_on(tmp_path: Path, mocker: MockerFixture) -> None:
    (tmp_path / "etc").mkdir()
    mark, unlink = PrivacyMarker(tmp_path / "captures", tmp_path / "etc" / "my.yaml.privacy_on"), os.unlink

    def refuse(path: Path, **named: int) -> None:  # Linux says so before it looks whether the file is there
        if Path(path).parent.name == "etc":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        unlink(path, **named)

    mocker.patch.object(os, "unlink", refuse)
    mark.put(on=True)
    mark.put(on=False)
    assert not mark.is_there


def test_whoever_else_opens_the_camera_finds_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("camera: {source: synthetic}\n")
    (tmp_path / "my.yaml.privacy_on").touch()
    assert command.main(["--config", str(file)]) == 1
    assert "privacy is on" in capsys.readouterr().err


def test_a_doubt_is_not_told_as_privacy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()  # below it nothing can be looked for
    (tmp_path / "my.yaml").write_text(
        f"camera: {{source: synthetic}}\nexport: {{base_dir: {tmp_path}/file/captures}}\n"
    )
    assert command.main(["--config", str(tmp_path / "my.yaml")]) == 1
    said = capsys.readouterr().err
    assert f"whether privacy is on cannot be told ({tmp_path}/file/captures/.privacy_on: Not a directory)" in said
    assert "privacy is on;" not in said
    beside = tmp_path / "my.yaml.privacy_on"
    mark = PrivacyMarker(tmp_path / "file" / "captures", beside)
    assert mark.doubt
    beside.touch()
    assert mark.is_there
    assert not mark.doubt, "one that is there leaves none"
