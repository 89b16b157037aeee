"""Saving into a folder with errors."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NoSpace, NotSaved
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.storage.pictures.index import Usage
from tests.support.fakes.clock import FakeClock
from tests.support.injected_faults import FaultyCalls
from tests.support.pictures import ALL, ID, archive_in, config, names, save, usage_of


@pytest.mark.parametrize(("code", "error"), [(errno.ENOSPC, NoSpace), (errno.EDQUOT, NoSpace), (errno.EIO, NotSaved)])
@pytest.mark.promise("S8")
def test_whichever_call_fails_the_picture_is_saved_whole_or_not_at_all(
    tmp_path: Path, clock: FakeClock, mocker: MockerFixture, code: int, error: type[Exception]
) -> None:
    archive = archive_in(tmp_path, clock)
    folder = tmp_path / "captures"
    save(archive, 1)
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    failures = 0
    for _, raised in FaultyCalls(mocker, code).failing_one_by_one(lambda: save(archive, 2, ALL)):
        failures += 1
        assert type(raised) is error
        assert {path: path.read_bytes() for path in folder.iterdir()} == kept
    assert failures >= 4 * 5  # four files of five calls at least
    assert len(names(folder)) == len(kept) + 4
    assert usage_of(archive).count == 2


def test_saving_works_again_when_the_fault_is_over(archive: PictureArchive, mocker: MockerFixture) -> None:
    calls = FaultyCalls(mocker, errno.ENOSPC)
    calls.fail_at = 5
    with pytest.raises(NoSpace, match="No space left"):
        save(archive)
    calls.fail_at = None
    assert save(archive) == ID


def test_a_file_in_place_of_the_folder_is_told(archive: PictureArchive, tmp_path: Path) -> None:
    (tmp_path / "captures").write_bytes(b"")
    with pytest.raises(NotSaved, match="captures"):
        save(archive)


def test_what_a_crash_left_half_written_goes_at_the_next_start(
    archive: PictureArchive, tmp_path: Path, clock: FakeClock
) -> None:
    save(archive)
    folder = tmp_path / "captures"
    for left in (f".{ID}-2.jpg.4711.part", ".film.mkv.4711.part"):
        (folder / left).write_bytes(b"half")
    archive_in(tmp_path, clock, "b" * 8).open()
    assert names(folder) == sorted([".film.mkv.4711.part", f"{ID}.jpg", f"{ID}.json"])


def test_a_folder_that_does_not_exist_yet_is_an_empty_one(archive: PictureArchive, tmp_path: Path) -> None:
    archive.open()
    assert archive.usage() == Usage(0, 0)
    assert archive.tidy(config(max_bytes=1)) == 0
    assert not (tmp_path / "captures").exists()
