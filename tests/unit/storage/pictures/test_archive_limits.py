"""Retention by size."""

from __future__ import annotations

import errno
import logging
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NoSpace
from pi_cam_node.base.units import MIB
from pi_cam_node.core.commands.ring_export import RingExport, save_each
from pi_cam_node.core.history import Query
from pi_cam_node.core.rules.ring import RingFrame
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.storage.directory import FreeSpace
from pi_cam_node.storage.pictures import quota
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.storage.pictures.index import Usage
from pi_cam_node.storage.pictures.quota import MOST_UNDELETABLE
from pi_cam_node.web.http.file_response import open_stored
from pi_cam_node.web.media.routes import headers_of
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES
from tests.support.injected_faults import FaultyCalls
from tests.support.pictures import ALL, ID, archive_in, config, ids_on_disk, names, picture, save, scene, usage_of


def disk(mocker: MockerFixture, folder: Path, size_bytes: int, inodes: int = 1000) -> None:
    """Pretend that the file system has this size and holds nothing but the folder."""

    def room(_directory: Path) -> FreeSpace:
        files = list(folder.iterdir())
        return FreeSpace(size_bytes - sum(path.stat().st_size for path in files), inodes - len(files))

    mocker.patch.object(quota, "free_space", room)


def test_usage_and_newest_are_known_without_looking(archive: PictureArchive, tmp_path: Path) -> None:
    assert archive.usage() is None
    assert archive.newest(5) == ()
    ids = [save(archive, frame) for frame in (1, 2, 3)]
    size_bytes = sum(path.stat().st_size for path in (tmp_path / "captures").iterdir())
    assert archive.usage() == Usage(size_bytes, 3)
    assert archive.newest(2) == (ids[2], ids[1])
    assert archive.newest(9) == (ids[2], ids[1], ids[0])
    assert archive.newest(0) == ()


def test_the_next_start_finds_what_this_one_saved(archive: PictureArchive, tmp_path: Path, clock: FakeClock) -> None:
    ids = [save(archive, frame, ALL) for frame in (1, 2)]
    other = archive_in(tmp_path, clock, "b" * 8)
    other.open()
    assert other.usage() == archive.usage()
    assert other.newest(2) == (ids[1], ids[0])


def test_the_oldest_go_when_the_sum_is_over_the_limit(archive: PictureArchive, tmp_path: Path) -> None:
    ids = [save(archive, frame) for frame in range(4)]
    each_bytes = usage_of(archive).size_bytes // 4
    ids.append(save(archive, 4, max_bytes=3 * each_bytes + 100))
    assert ids_on_disk(tmp_path) == set(ids[2:])
    assert len(names(tmp_path / "captures")) == 6
    assert usage_of(archive).size_bytes <= 3 * each_bytes + 100


def test_the_newest_stays_although_it_is_over_the_limit_alone(archive: PictureArchive, tmp_path: Path) -> None:
    save(archive, 1)
    newest = save(archive, 2, max_bytes=1)
    assert ids_on_disk(tmp_path) == {newest}


def test_of_frames_saved_one_by_one_only_those_are_named_that_a_small_limit_left(
    archive: PictureArchive, tmp_path: Path, clock: FakeClock
) -> None:
    save(archive, 1)
    each_bytes = usage_of(archive).size_bytes
    content = jpeg.encode(scene(), "bgr", 90)
    frames = [RingFrame(seq, seq / 10, clock.utcnow(), content, "day", Sensor()) for seq in range(2, 8)]
    few = config(max_bytes=4 * each_bytes)
    told = save_each(RingExport(archive, IMAGES, frames, ["jpg"], "mean", few), lambda _done, _total: None)
    assert {picture.id for picture in told} == ids_on_disk(tmp_path)
    assert 1 <= len(told) < len(frames)
    assert told[-1].frames == (7,)


def test_pictures_saved_after_the_clock_jumped_back_count_as_newer(archive: PictureArchive, tmp_path: Path) -> None:
    before = [save(archive, frame) for frame in (1, 2)]
    each_bytes = usage_of(archive).size_bytes // 2
    forty_days_ago = picture().first_at - timedelta(days=40)
    after = archive.save(picture(frames=(3,), first_at=forty_days_ago), ["jpg"], config(max_bytes=2 * each_bytes + 100))
    assert ids_on_disk(tmp_path) == {before[1], after.id}
    archive.tidy(config(max_bytes=each_bytes + 100))
    assert ids_on_disk(tmp_path) == {after.id}


def test_files_of_others_stay_whatever_the_limits(archive: PictureArchive, tmp_path: Path) -> None:
    save(archive, 1)
    folder = tmp_path / "captures"
    foreign = ["holiday.jpg", "notes.txt", f"{ID}.jpeg", f"{ID}.jpg.bak", ".hidden"]
    for name in foreign:
        (folder / name).write_bytes(bytes(10_000))
        os.utime(folder / name, (0, 0))
    (folder / f"{ID.replace('42', '77')}.jpg").mkdir()
    (folder / f"{ID.replace('42', '78')}.jpg").symlink_to(folder / "holiday.jpg")
    newest = save(archive, 2, max_bytes=1, max_age_days=1)
    archive.tidy(config(max_bytes=1, max_age_days=1))
    assert set(foreign) < set(names(folder))
    assert (folder / f"{ID.replace('42', '77')}.jpg").is_dir()
    assert (folder / f"{ID.replace('42', '78')}.jpg").is_symlink()
    assert archive.usage() == Usage(sum((folder / f"{newest}.{e}").stat().st_size for e in ("jpg", "json")), 1)


def test_room_is_made_before_the_reserve_is_touched(
    archive: PictureArchive, tmp_path: Path, mocker: MockerFixture
) -> None:
    ids = [save(archive, frame) for frame in (1, 2, 3)]
    each_bytes = usage_of(archive).size_bytes // 3
    disk(mocker, tmp_path / "captures", 3 * each_bytes + MIB + 100)
    ids.append(save(archive, 4, min_free_bytes=MIB))
    assert ids[0] not in ids_on_disk(tmp_path)
    assert ids_on_disk(tmp_path) == set(ids[-len(ids_on_disk(tmp_path)) :])


def test_a_reserve_that_no_picture_can_give_back_costs_none(
    archive: PictureArchive, tmp_path: Path, mocker: MockerFixture
) -> None:
    ids = [save(archive, frame) for frame in (1, 2, 3)]
    disk(mocker, tmp_path / "captures", MIB // 2)
    with pytest.raises(NoSpace, match="min_free_bytes") as raised:
        save(archive, 4, min_free_bytes=MIB)
    assert raised.value.data["min_free_bytes"] == MIB
    assert ids_on_disk(tmp_path) == set(ids)
    assert len(names(tmp_path / "captures")) == 6


def test_the_last_inodes_are_not_used_up(archive: PictureArchive, tmp_path: Path, mocker: MockerFixture) -> None:
    ids = [save(archive, frame) for frame in range(20)]
    disk(mocker, tmp_path / "captures", 1 << 30, inodes=len(names(tmp_path / "captures")) + 14)
    ids.append(save(archive, 20))
    assert ids_on_disk(tmp_path) == set(ids[-len(ids_on_disk(tmp_path)) :])
    assert len(ids_on_disk(tmp_path)) < 21


def test_tidying_frees_the_reserve(archive: PictureArchive, tmp_path: Path, mocker: MockerFixture) -> None:
    ids = [save(archive, frame) for frame in (1, 2, 3)]
    each_bytes = usage_of(archive).size_bytes // 3
    disk(mocker, tmp_path / "captures", 3 * each_bytes + MIB - 100)
    assert archive.tidy(config(min_free_bytes=MIB)) == 1
    assert ids_on_disk(tmp_path) == set(ids[1:])


def test_tidying_sees_what_others_removed_and_added(archive: PictureArchive, tmp_path: Path) -> None:
    ids = [save(archive, frame) for frame in (1, 2)]
    for path in (tmp_path / "captures").glob(f"{ids[0]}.*"):
        path.unlink()
    brought = f"20200101T000000000Z-{'c' * 8}-000001-auto"
    (tmp_path / "captures" / f"{brought}.npy").write_bytes(bytes(10))
    archive.tidy(config())
    assert archive.newest(3) == (ids[1], brought)
    assert usage_of(archive).count == 2


def test_a_picture_that_cannot_be_removed_is_told_and_tried_again(
    archive: PictureArchive, tmp_path: Path, mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    old, newest = save(archive, 1), save(archive, 2)
    calls = FaultyCalls(mocker, errno.EROFS)
    calls.fail_at = 0
    assert archive.tidy(config(max_bytes=1)) == 0
    assert "Read-only" in caplog.text
    assert ids_on_disk(tmp_path) == {old, newest}
    assert archive.tidy(config(max_bytes=1)) == 1
    assert ids_on_disk(tmp_path) == {newest}


@pytest.fixture
def protected(mocker: MockerFixture) -> set[str]:
    """Return ids of pictures that cannot be removed, as after ``chattr +i``; tests add to them."""
    ids: set[str] = set()
    real = os.unlink

    def unlink(path: Path) -> None:
        if Path(path).stem in ids:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        real(path)

    mocker.patch.object(os, "unlink", unlink)
    return ids


def test_where_the_oldest_cannot_be_removed_the_next_ones_make_room(
    archive: PictureArchive, tmp_path: Path, mocker: MockerFixture, protected: set[str]
) -> None:
    ids = [save(archive, frame) for frame in range(6)]
    protected.update(ids[:3])
    each_bytes = usage_of(archive).size_bytes // 6
    disk(mocker, tmp_path / "captures", 6 * each_bytes + MIB + 100)
    newest = save(archive, 6, min_free_bytes=MIB)
    left = ids_on_disk(tmp_path)
    assert {*ids[:3], newest} <= left
    assert ids[3] not in left


def test_what_cannot_be_removed_takes_its_part_of_the_limit_and_is_told_once(
    archive: PictureArchive, tmp_path: Path, protected: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    ids = [save(archive, frame) for frame in range(4)]
    protected.add(ids[0])
    limit_bytes = usage_of(archive).size_bytes // 4 * 2 + 100
    ids += [save(archive, frame, max_bytes=limit_bytes) for frame in (4, 5, 6)]
    assert ids_on_disk(tmp_path) == {ids[0], ids[6]}
    assert caplog.text.count("cannot be removed") == 1
    protected.clear()
    archive.tidy(config(max_bytes=1))
    assert ids_on_disk(tmp_path) == {ids[6]}


def test_pictures_none_of_which_can_be_removed_are_not_tried_without_end(
    archive: PictureArchive, tmp_path: Path, mocker: MockerFixture, protected: set[str]
) -> None:
    ids = [save(archive, frame) for frame in range(2 * MOST_UNDELETABLE)]
    protected.update(ids)
    disk(mocker, tmp_path / "captures", usage_of(archive).size_bytes + MIB + 100)
    with pytest.raises(NoSpace):
        save(archive, 99, min_free_bytes=MIB)
    assert ids_on_disk(tmp_path) == set(ids)


def test_a_sidecar_goes_after_its_picture(archive: PictureArchive, tmp_path: Path, mocker: MockerFixture) -> None:
    save(archive, 1, ALL)
    save(archive, 2)
    gone: list[str] = []
    real = os.unlink

    def noting(path: str) -> None:
        gone.append(Path(path).suffix)
        real(path)

    mocker.patch.object(os, "unlink", noting)
    archive.tidy(config(max_bytes=1))
    assert gone == [".jpg", ".png", ".npy", ".json"]


def test_no_name_of_a_picture_is_interned(archive: PictureArchive, mocker: MockerFixture) -> None:
    interned = mocker.spy(sys, "intern")
    picture_id = save(archive, 1, ALL)
    path = archive.find(picture_id)
    assert path is not None
    stored = open_stored(path)
    assert stored is not None
    stored.file.close()
    assert headers_of(stored.name)["Content-Type"] == "image/jpeg"
    assert [row.id for row in archive.media(Query()).rows] == [picture_id]
    archive.delete(picture_id)
    assert archive.is_gone(picture_id)
    assert not [call for call in interned.call_args_list if picture_id in call.args[0]]
    assert str(Path(path))  # parsed at the latest here
    assert mocker.call(f"{picture_id}.jpg") in interned.call_args_list, "or pathlib interns in another way"


def test_removals_are_counted_in_the_log(archive: PictureArchive, caplog: pytest.LogCaptureFixture) -> None:
    save(archive, 1)
    with caplog.at_level(logging.INFO):
        save(archive, 2, max_bytes=1)
    assert "removed 1 old pictures" in caplog.text
