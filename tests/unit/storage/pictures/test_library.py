"""Lists of saved pictures and films; keeping and deleting them."""

from __future__ import annotations

import errno
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base import atomic_files
from pi_cam_node.base.errors import BadRequest, Forbidden, NotSaved
from pi_cam_node.core.history import Query
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.storage.pictures.folder_watch import FolderWatch
from tests.support.fakes.clock import FakeClock
from tests.support.pictures import ALL, archive_in, config, names, picture

AT = datetime(2026, 11, 20, 19, 45, tzinfo=UTC)
DAY_S = 86_400.0


def save(archive: PictureArchive, minute: int = 0) -> str:
    at = AT + timedelta(minutes=minute)
    return archive.save(picture(frames=(minute,), first_at=at, last_at=at), ["jpg"], config()).id


def film(folder: Path, minute: int, seconds: object, size_bytes: int = 1000) -> str:
    """Put a film into the folder as a recorder does."""
    at = AT + timedelta(minutes=minute)
    media_id = f"{at:%Y%m%dT%H%M%S}000Z-3f2a91c0-{minute:06d}-recording"
    (folder / f"{media_id}.mp4").write_bytes(b"f" * size_bytes)
    (folder / f"{media_id}.json").write_text(json.dumps({"id": media_id, "seconds": seconds}))
    return media_id


def sidecar_of(folder: Path, media_id: str) -> dict[str, object]:
    facts: dict[str, object] = json.loads((folder / f"{media_id}.json").read_text())
    return facts


def test_pictures_and_films_are_listed_the_newest_first(archive: PictureArchive, folder: Path) -> None:
    ids = [save(archive, minute) for minute in (1, 3, 2)]
    ids.append(film(folder, 4, 12.5))
    archive.tidy(config())
    rows = archive.media(Query()).rows
    assert [row.id for row in rows] == [ids[3], ids[1], ids[2], ids[0]]
    assert [(row.kind, row.seconds, Path(row.path).suffix) for row in rows[:2]] == [
        ("recording", 12.5, ".mp4"),
        ("single", None, ".jpg"),
    ]
    assert rows[1].size_bytes == sum(path.stat().st_size for path in folder.glob(f"{ids[1]}.*"))
    assert archive.find(ids[3]) == str(folder / f"{ids[3]}.mp4")


def test_those_of_earlier_runs_are_listed_without_a_look_by_somebody_else(tmp_path: Path, clock: FakeClock) -> None:
    old = save(archive_in(tmp_path, clock))
    assert [row.id for row in archive_in(tmp_path, clock).media(Query()).rows] == [old]


def test_an_empty_folder_has_an_empty_list(archive: PictureArchive) -> None:
    assert archive.media(Query()).rows == ()


@pytest.mark.parametrize("seconds", ["long", True, None, [1], {"a": 1}])
def test_odd_sidecars_say_nothing(archive: PictureArchive, folder: Path, seconds: object) -> None:
    save(archive, 1)
    film(folder, 2, seconds)
    (folder / f"{film(folder, 3, 1)}.json").write_text('["kept", ' * 3000)
    archive.tidy(config())
    assert [row.seconds for row in archive.media(Query()).rows] == [None, None, None]


def test_what_is_kept_says_so_in_its_sidecar_and_nothing_else_changes(archive: PictureArchive, folder: Path) -> None:
    media_id = save(archive)
    before = sidecar_of(folder, media_id)
    archive.keep(media_id, kept=True)
    assert sidecar_of(folder, media_id) == before | {"kept": True}
    assert archive.media(Query()).rows[0].kept
    archive.keep(media_id, kept=True)
    archive.keep(media_id, kept=False)
    assert sidecar_of(folder, media_id) == before
    assert not archive.media(Query()).rows[0].kept
    assert names(folder) == sorted([f"{media_id}.jpg", f"{media_id}.json"])


def test_a_picture_without_sidecar_gets_one_to_be_kept(archive: PictureArchive, folder: Path) -> None:
    media_id = save(archive)
    (folder / f"{media_id}.json").unlink()
    archive.keep(media_id, kept=True)
    assert sidecar_of(folder, media_id) == {"id": media_id, "kept": True}


def test_mode_and_group_of_the_sidecar_stay(archive: PictureArchive, folder: Path) -> None:
    media_id = save(archive)
    path = folder / f"{media_id}.json"
    path.chmod(0o640)
    archive.keep(media_id, kept=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_disk_that_refuses_leaves_it_as_it_was(archive: PictureArchive, folder: Path, mocker: MockerFixture) -> None:
    media_id = save(archive)
    mocker.patch.object(atomic_files, "_write_all", side_effect=OSError(errno.EIO, os.strerror(errno.EIO)))
    with pytest.raises(NotSaved, match="Input/output error"):
        archive.keep(media_id, kept=True)
    assert "kept" not in sidecar_of(folder, media_id)
    assert not archive.media(Query()).rows[0].kept


def test_what_is_deleted_is_gone_with_all_its_files(archive: PictureArchive, folder: Path) -> None:
    gone = archive.save(picture(), ALL, config()).id
    stays = save(archive, 5)
    usage = archive.usage()
    assert usage is not None
    archive.delete(gone)
    assert names(folder) == sorted([f"{stays}.jpg", f"{stays}.json"])
    assert archive.find(gone) is None
    assert archive.newest(9) == (stays,)
    left = archive.usage()
    assert left is not None
    assert left.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    with pytest.raises(BadRequest):
        archive.delete(gone)


@pytest.mark.parametrize("media_id", ["", "../config", "20261120T194501123Z-3f2a91c0-000042-single", "x" * 5000])
def test_what_is_not_there_cannot_be_kept_or_deleted(archive: PictureArchive, media_id: str) -> None:
    save(archive)
    with pytest.raises(BadRequest):
        archive.keep(media_id, kept=True)
    with pytest.raises(BadRequest):
        archive.delete(media_id)


def test_what_was_deleted_by_hand_cannot_be_kept(archive: PictureArchive, folder: Path) -> None:
    """It was answered that it is kept, and a side-car of nothing was left."""
    media_id = save(archive)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(BadRequest):
        archive.keep(media_id, kept=True)
    assert names(folder) == []


def test_while_the_disk_is_away_nothing_is_kept_or_deleted(
    archive: PictureArchive, folder: Path, mocker: MockerFixture
) -> None:
    media_id = save(archive)
    mocker.patch.object(FolderWatch, "is_away", True)
    with pytest.raises(NotSaved, match="is unavailable"):
        archive.keep(media_id, kept=True)
    with pytest.raises(NotSaved, match="is unavailable"):
        archive.delete(media_id)
    assert names(folder) == sorted([f"{media_id}.jpg", f"{media_id}.json"])


def test_what_is_kept_is_not_deleted(archive: PictureArchive, folder: Path) -> None:
    media_id = save(archive)
    archive.keep(media_id, kept=True)
    with pytest.raises(Forbidden, match=r"keep \S+ off"):
        archive.delete(media_id)
    assert names(folder) == sorted([f"{media_id}.jpg", f"{media_id}.json"])


# ---------------------------------------------------------------- retention


def test_what_is_kept_survives_every_limit(tmp_path: Path, clock: FakeClock, folder: Path) -> None:
    archive = archive_in(tmp_path, clock)
    ids = [save(archive, minute) for minute in range(6)]
    archive.keep(ids[1], kept=True)
    again = archive_in(tmp_path, clock)  # a new run of the node, which knows of it by the side-car alone
    size_bytes = sum(path.stat().st_size for path in folder.glob(f"{ids[0]}.*"))
    again.tidy(config(max_bytes=3 * size_bytes + 1000, min_free_bytes=0))
    assert {path.stem for path in folder.iterdir()} == {ids[1], ids[4], ids[5]}
    clock.advance(3 * DAY_S)
    again.tidy(config(max_age_days=1, min_free_bytes=0))
    assert {path.stem for path in folder.iterdir()} == {ids[1], ids[5]}
    again.keep(ids[1], kept=False)
    again.tidy(config(max_age_days=1, min_free_bytes=0))
    assert {path.stem for path in folder.iterdir()} == {ids[5]}


def test_films_have_limits_of_their_own(archive: PictureArchive, folder: Path) -> None:
    pictures = [save(archive, minute) for minute in range(3)]
    films = [film(folder, 10 + number, 5, 4000) for number in range(4)]
    archive.tidy(config(min_free_bytes=0, max_bytes=0, recordings={"max_bytes": 9000}))
    assert {path.stem for path in folder.iterdir()} == {*pictures, *films[2:]}
    archive.tidy(config(min_free_bytes=0, max_bytes=1, recordings={"max_bytes": 0}))
    assert {path.stem for path in folder.iterdir()} == {pictures[-1], *films[2:]}


# ---------------------------------------------------------------- who may read


def test_files_are_the_owners_alone_unless_told_otherwise(archive: PictureArchive, folder: Path) -> None:
    save(archive)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(("mode", "of_folder"), [("0640", 0o750), ("640", 0o750), ("0o664", 0o775), ("0666", 0o777)])
def test_files_and_a_new_folder_have_the_mode_of_the_settings(
    archive: PictureArchive, folder: Path, mode: str, of_folder: int
) -> None:
    before = os.umask(0o077)
    try:
        archive.save(picture(), ALL, config(file_mode=mode))
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {int(mode[-3:], 8)}
    assert stat.S_IMODE(folder.stat().st_mode) == of_folder


@pytest.mark.parametrize("mode", ["0400", "0755", "4640", "0777", "rw", "", "0641", "06400"])
def test_other_modes_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="0600"):
        config(file_mode=mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to any group")
def test_files_go_to_the_group_of_the_settings(archive: PictureArchive, folder: Path) -> None:
    media_id = archive.save(picture(), ["jpg"], config(group="33", file_mode="0640")).id
    archive.keep(media_id, kept=True)
    assert {path.stat().st_gid for path in (folder, *folder.iterdir())} == {33}


def test_a_group_that_is_not_there_costs_no_picture(archive: PictureArchive, caplog: pytest.LogCaptureFixture) -> None:
    saved = archive.save(picture(), ["jpg"], config(group="no-such-group"))
    assert Path(saved.paths[0]).stat().st_gid == os.getegid()
    assert "has no group no-such-group" in caplog.text


@pytest.mark.parametrize("content", [b"{ half a side-", b"[1]", b"{" + b" " * (1 << 20) + b"}"])
def test_a_damaged_side_car_is_not_overwritten(archive: PictureArchive, folder: Path, content: bytes) -> None:
    picture_id = save(archive)
    (folder / f"{picture_id}.json").write_bytes(content)
    with pytest.raises(NotSaved, match="is damaged; correct it"):
        archive.keep(picture_id, kept=True)
    assert (folder / f"{picture_id}.json").read_bytes() == content


def test_a_side_car_that_an_editor_saved_with_a_byte_order_mark_is_read(archive: PictureArchive, folder: Path) -> None:
    picture_id = save(archive)
    path = folder / f"{picture_id}.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    archive.keep(picture_id, kept=True)
    facts = sidecar_of(folder, picture_id)
    assert (facts["kept"], facts["kind"]) == (True, "single")
