"""Files deleted by others, and a disk that is not mounted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.core.history import Query
from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.pictures import config, picture

BACK = "pi_cam_node.storage.pictures.folder_watch.nearest_directory"


def save(archive: PictureArchive, number: int, **limits: Any) -> str:
    at = picture().first_at + timedelta(seconds=number)
    return archive.save(picture(frames=(number,), first_at=at, last_at=at), ["jpg"], config(**limits)).id


def delete_by_hand(folder: Path, *ids: str) -> None:
    for media_id in ids:
        for path in folder.glob(f"{media_id}.*"):
            path.unlink()


def listed(archive: PictureArchive) -> list[str]:
    return [row.id for row in archive.media(Query()).rows]


@contextmanager
def away(folder: Path, mocker: MockerFixture) -> Iterator[None]:
    """Have the disk of the folder not mounted: an empty folder of another device is there instead."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    patched = mocker.patch(BACK, return_value=Path("/proc"))
    yield
    mocker.stop(patched)
    folder.rmdir()
    aside.rename(folder)


def test_what_is_deleted_by_hand_is_neither_listed_nor_counted(archive: PictureArchive, folder: Path) -> None:
    ids = [save(archive, number) for number in range(4)]
    delete_by_hand(folder, ids[1], ids[3])
    assert listed(archive) == [ids[2], ids[0]]
    usage = archive.usage()
    assert usage is not None
    assert (usage.count, usage.size_bytes) == (2, sum(path.stat().st_size for path in folder.iterdir()))
    assert archive.newest(9) == (ids[2], ids[0])


def test_all_of_them_may_be_deleted_by_hand_the_folder_too(archive: PictureArchive, folder: Path) -> None:
    delete_by_hand(folder, *[save(archive, number) for number in range(3)])
    assert listed(archive) == []
    save(archive, 4)
    delete_by_hand(folder, *listed(archive))
    folder.rmdir()
    assert listed(archive) == []
    assert not archive.is_away


def test_a_disk_that_is_away_loses_no_row(archive: PictureArchive, folder: Path, mocker: MockerFixture) -> None:
    ids = [save(archive, number) for number in range(3)]
    with away(folder, mocker):
        assert archive.is_away
        with pytest.raises(NotSaved, match="is unavailable"):
            archive.media(Query())
    assert not archive.is_away
    assert listed(archive) == ids[::-1]


def test_room_that_is_made_by_hand_costs_no_other_picture(archive: PictureArchive, folder: Path) -> None:
    ids = [save(archive, number) for number in range(4)]
    usage = archive.usage()
    assert usage is not None
    limit_bytes = usage.size_bytes + 100
    delete_by_hand(folder, ids[2], ids[3])
    ids.append(save(archive, 4, max_bytes=limit_bytes))
    assert listed(archive) == [ids[4], ids[1], ids[0]]
    # Beyond the limit the oldest goes as ever.
    ids += [save(archive, number, max_bytes=limit_bytes) for number in (5, 6)]
    assert listed(archive) == [ids[6], ids[5], ids[4], ids[1]]


def test_the_folder_is_read_again_only_where_somebody_else_has_changed_it(
    archive: PictureArchive, folder: Path, mocker: MockerFixture
) -> None:
    save(archive, 0, max_bytes=1)
    read = mocker.spy(archive, "open")
    for number in range(1, 6):
        save(archive, number, max_bytes=1)
    assert read.call_count == 0
    (folder / "note.txt").write_text("by somebody else")
    save(archive, 6, max_bytes=1)
    save(archive, 7, max_bytes=1)
    assert read.call_count == 1


def test_what_is_saved_is_saved_where_the_folder_cannot_be_read_again(
    archive: PictureArchive, folder: Path, mocker: MockerFixture
) -> None:
    first = save(archive, 0)
    (folder / "note.txt").write_text("by somebody else")
    mocker.patch("pi_cam_node.storage.pictures.archive.list_pictures", side_effect=OSError(5, "Input/output error"))
    second = save(archive, 1, max_bytes=1)
    assert archive.find(second) is not None
    assert archive.find(first) is None, "the limit holds all the same"


def test_the_row_of_a_film_that_is_not_there_is_not_forgotten(
    archive: PictureArchive, folder: Path, mocker: MockerFixture
) -> None:
    forget = mocker.patch.object(archive._quota, "_film_removed")
    save(archive, 0)
    films = [f"20261120T1945{second:02}000Z-3f2a91c0-{second:06}-recording" for second in (1, 2)]
    for film in films:
        (folder / f"{film}.mp4").write_bytes(bytes(1000))
    archive.tidy(config())
    delete_by_hand(folder, films[0])
    for film in films:
        archive.delete(film)
    assert [call.args for call in forget.call_args_list] == [(films[1],)]
