"""Recovery after a kill: complete pictures are adopted, partial ones removed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from pi_cam_node.core.history import Query
from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.fakes.clock import FakeClock
from tests.support.pictures import ALL, ID, archive_in, config, names, picture


@pytest.fixture
def folder(archive: PictureArchive, tmp_path: Path) -> Path:
    """Return the folder with one picture in every format that lacks its side-car."""
    archive.save(picture(), ALL, config())
    folder = tmp_path / "captures"
    (folder / f"{ID}.json").unlink()
    return folder


def started(folder: Path, clock: FakeClock) -> PictureArchive:
    archive = archive_in(folder.parent, clock)
    archive.open()
    return archive


def test_a_whole_picture_is_adopted_and_listed(folder: Path, clock: FakeClock) -> None:
    archive = started(folder, clock)
    facts = json.loads((folder / f"{ID}.json").read_text())
    assert (facts["id"], facts["kind"], facts["first_at"]) == (ID, "single", "2026-11-20T19:45:01.123Z")
    assert facts["recovered"] is True
    assert {file["format"] for file in facts["files"]} == set(ALL)
    for file in facts["files"]:
        data = (folder / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert [row.id for row in archive.media(Query()).rows] == [ID]
    archive.keep(ID, kept=True)
    assert archive.find(ID) == str(folder / f"{ID}.jpg")


@pytest.mark.parametrize("half", ["jpg", "png", "npy"])
@pytest.mark.parametrize("left", [0, 1, 100, -1])
@pytest.mark.promise("S8")
def test_a_half_is_removed_and_the_rest_adopted(folder: Path, clock: FakeClock, half: str, left: int) -> None:
    path = folder / f"{ID}.{half}"
    path.write_bytes(path.read_bytes()[:left])
    started(folder, clock)
    whole = sorted(set(ALL) - {half})
    assert names(folder) == sorted(f"{ID}.{extension}" for extension in [*whole, "json"])
    assert {file["format"] for file in json.loads((folder / f"{ID}.json").read_text())["files"]} == set(whole)


def test_halves_alone_leave_nothing(folder: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    for extension in ALL:
        (folder / f"{ID}.{extension}").write_bytes(b"")
    assert started(folder, clock).media(Query()).rows == ()
    assert names(folder) == []
    assert "removed 3 files" in caplog.text


def test_a_side_car_alone_is_removed_unless_its_film_is_being_written(folder: Path, clock: FakeClock) -> None:
    for extension in ALL:
        (folder / f"{ID}.{extension}").unlink()
    (folder / f"{ID}.json").write_text("{}")
    part = folder / f".{ID}.mp4.rec"
    part.write_bytes(b"film")
    started(folder, clock)
    assert names(folder) == [part.name, f"{ID}.json"]
    part.unlink()
    started(folder, clock)
    assert names(folder) == []


def test_temporary_files_of_killed_processes_go_and_those_of_this_one_stay(folder: Path, clock: FakeClock) -> None:
    mine = folder / f"..http_token.{os.getpid()}.part"
    theirs = [folder / f"..privacy_on.{os.getpid() + 1}.part", folder / f".{ID}.jpg.77.part"]
    film = ID.rpartition("-")[0] + "-recording"  # which its repair may be writing just now
    strange = ("..Holiday.1.part", "a.1.part", ".b.1.part", "..c.part", f".{film}.mp4.77.part")
    foreign = [folder / name for name in strange]
    for path in (mine, *theirs, *foreign):
        path.write_bytes(b"")
    started(folder, clock)
    assert {path for path in (mine, *theirs, *foreign) if path.exists()} == {mine, *foreign}


def test_nothing_is_adopted_while_the_node_runs(archive: PictureArchive, folder: Path) -> None:
    archive.tidy(config())
    assert f"{ID}.json" not in names(folder)


def test_pictures_of_others_are_left_alone(folder: Path, clock: FakeClock) -> None:
    for name in ("holiday.jpg", f"{ID}.jpg.bak", f"{ID}-1.jpg"):
        (folder / name).write_bytes(b"")
    before = set(names(folder))
    started(folder, clock)
    assert set(names(folder)) == before | {f"{ID}.json"}
