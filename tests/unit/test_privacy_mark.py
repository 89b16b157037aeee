"""The file that remembers privacy: whatever is wrong with it, it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pi_cam_node.errors import NotSaved
from pi_cam_node.storage.privacy import PrivacyMark


@pytest.fixture
def mark(tmp_path: Path) -> PrivacyMark:
    return PrivacyMark(tmp_path / "captures")


def test_a_folder_that_is_not_there_yet_means_off(mark: PrivacyMark) -> None:
    assert not mark.is_there
    mark.put(on=False)
    assert not mark.path.parent.exists()


def test_it_is_made_private_and_empty_and_goes_again(mark: PrivacyMark) -> None:
    mark.put(on=True)
    mark.put(on=True)
    assert mark.is_there
    assert (mark.path.read_bytes(), mark.path.stat().st_mode & 0o777) == (b"", 0o600)
    assert [path.name for path in mark.path.parent.iterdir()] == [".privacy_on"]
    mark.put(on=False)
    assert not mark.is_there


@pytest.mark.parametrize("damage", ["garbage", "dangling link", "folder", "unreadable"])
def test_a_damaged_one_means_on(mark: PrivacyMark, damage: str) -> None:
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
    assert PrivacyMark(tmp_path / "captures").is_there


def test_one_that_cannot_be_removed_is_told(mark: PrivacyMark) -> None:
    mark.path.mkdir(parents=True)
    with pytest.raises(NotSaved):
        mark.put(on=False)


@pytest.mark.parametrize("on", [True, False])
def test_a_folder_that_is_none_is_told(tmp_path: Path, on: bool) -> None:
    (tmp_path / "captures").write_bytes(b"")
    with pytest.raises(NotSaved):
        PrivacyMark(tmp_path / "captures").put(on)
