"""File names of pictures: no overwriting, and other files ignored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.pictures import ID, names, save


@pytest.mark.promise("S10")
def test_nothing_saved_is_ever_overwritten(archive: PictureArchive, tmp_path: Path) -> None:
    ids = [save(archive) for _ in range(3)]
    assert ids == [ID, f"{ID}-2", f"{ID}-3"]
    assert len(names(tmp_path / "captures")) == 6


def test_a_foreign_file_under_the_name_is_not_overwritten(archive: PictureArchive, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / f"{ID}.png").write_bytes(b"somebody's")
    assert save(archive) == f"{ID}-2"
    assert (tmp_path / "captures" / f"{ID}.png").read_bytes() == b"somebody's"


def test_a_name_taken_at_the_last_moment_is_left_alone(
    archive: PictureArchive, tmp_path: Path, mocker: MockerFixture
) -> None:
    archive.open()
    real = os.link

    def overtaken(source: Path, target: Path, **options: bool) -> None:
        if Path(target).name == f"{ID}.png":
            Path(target).write_bytes(b"somebody's")
        real(source, target, **options)

    mocker.patch.object(os, "link", overtaken)
    assert save(archive, formats=["jpg", "png"]) == f"{ID}-2"
    assert names(tmp_path / "captures") == sorted([f"{ID}.png", *(f"{ID}-2.{e}" for e in ("jpg", "png", "json"))])


def test_a_saved_picture_is_found_by_its_id(archive: PictureArchive, tmp_path: Path) -> None:
    save(archive, formats=["png", "jpg"])
    save(archive, 43, formats=["npy"])
    assert archive.find(ID) == str(tmp_path / "captures" / f"{ID}.jpg")
    assert archive.find(ID.replace("42", "43")) == str(tmp_path / "captures" / f"{ID.replace('42', '43')}.npy")
    assert archive.find(ID.replace("42", "44")) is None


@pytest.mark.parametrize("text", ["", "secret", "../secret", "/etc/passwd", ID + "/../secret", ID + "\n"])
def test_nothing_but_an_id_finds_a_file(archive: PictureArchive, tmp_path: Path, text: str) -> None:
    save(archive)
    (tmp_path / "secret.jpg").write_bytes(b"")
    (tmp_path / "captures" / "secret.jpg").write_bytes(b"")
    assert archive.find(text) is None


def test_a_link_under_an_id_is_not_followed(archive: PictureArchive, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "secret").write_bytes(b"")
    (tmp_path / "captures" / f"{ID}.jpg").symlink_to(tmp_path / "secret")
    assert archive.find(ID) is None
