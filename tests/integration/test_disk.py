"""Saving on a real file system that is full or read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import NoSpace, NotSaved
from pi_cam_node.base.units import KIB
from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.frames import IMAGES
from tests.support.pictures import ALL, BOOT, config, names, noise, picture, save

pytestmark = pytest.mark.root


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MiB and 100 files."""
    made = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=100", "tmpfs", str(tmp_path)]
    mounted = subprocess.run(made, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def fill(disk: Path, leave_bytes: int) -> Path:
    """Take all the space but some, and return the file that took it."""
    said = os.statvfs(disk)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(max(0, said.f_bavail * said.f_frsize - leave_bytes)))
    return ballast


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.promise("S4")
def test_a_full_disk_is_told_leaves_no_litter_and_heals(disk: Path) -> None:
    archive = PictureArchive(disk / "captures", BOOT, SystemClock(), IMAGES)
    archive.save(picture(frames=(1,)), ALL, config())
    before = contents(disk / "captures")
    ballast = fill(disk, leave_bytes=0)
    with pytest.raises(NoSpace):
        archive.save(picture(frames=(2,)), ALL, config())
    assert contents(disk / "captures") == before
    ballast.unlink()
    archive.save(picture(frames=(3,)), ALL, config())
    assert before.items() < contents(disk / "captures").items()


def test_a_disk_that_fills_up_while_a_file_is_written_leaves_nothing_of_it(disk: Path, mocker: MockerFixture) -> None:
    archive = PictureArchive(disk / "captures", BOOT, SystemClock(), IMAGES)
    save(archive, 1)
    before = contents(disk / "captures")
    real = os.open

    def somebody_else_is_faster(path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = real(path, flags, mode)
        if str(path).endswith(".part"):
            fill(disk, leave_bytes=8 * KIB)
        return descriptor

    mocker.patch.object(os, "open", somebody_else_is_faster)
    with pytest.raises(NoSpace, match="No space left"):
        archive.save(picture(frames=(2,), content=noise(128, 96)), ["npy"], config())
    assert contents(disk / "captures") == before


@pytest.mark.promise("S4", "S9")
def test_old_pictures_make_room_on_a_disk_that_is_really_full(disk: Path, figure: Callable[[str], None]) -> None:
    archive = PictureArchive(disk / "captures", BOOT, SystemClock(), IMAGES)
    ids = [
        archive.save(picture(frames=(frame,), content=noise(256, 192)), ["npy"], config(min_free_bytes=100 * KIB)).id
        for frame in range(12)
    ]
    kept = {path.stem for path in (disk / "captures").glob("*.json")}
    assert 2 <= len(kept) < 12
    assert kept == set(ids[-len(kept) :])
    said = os.statvfs(disk)
    free_bytes = said.f_bavail * said.f_frsize
    figure(
        f"12 pictures on a disk for fewer: the newest {len(kept)} stayed, {free_bytes // KIB} KiB free (at least 100)"
    )
    assert free_bytes >= 100 * KIB


@pytest.mark.promise("S5")
def test_a_disk_without_inodes_is_a_full_disk(disk: Path) -> None:
    archive = PictureArchive(disk / "captures", BOOT, SystemClock(), IMAGES)
    save(archive, 1)
    before = names(disk / "captures")
    for number in range(100):
        try:
            (disk / str(number)).touch()
        except OSError:
            break
    with pytest.raises(NoSpace):
        save(archive, 2)
    assert names(disk / "captures") == before


def test_a_read_only_disk_is_told_and_heals(disk: Path) -> None:
    archive = PictureArchive(disk / "captures", BOOT, SystemClock(), IMAGES)
    save(archive, 1)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(NotSaved, match="Read-only"):
        save(archive, 2)
    assert archive.tidy(config(max_bytes=1)) == 0
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    save(archive, 3)
    assert len(names(disk / "captures")) == 4
