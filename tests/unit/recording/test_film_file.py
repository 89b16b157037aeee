"""Film files: closed, truncated, repaired, and limited."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NoSpace
from pi_cam_node.core.file_access import OWNER_ONLY, FileAccess
from pi_cam_node.core.history import FILM_KINDS, FilmKind
from pi_cam_node.core.media_ids import (
    MediaName,
    film_in_progress,
    is_film_id,
    is_film_part,
    parse_file,
    unfinished_film,
)
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording import film_finish
from pi_cam_node.recording.film_facts import FilmFacts
from pi_cam_node.recording.film_file import FilmFile
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.repair import repair_all
from tests.support.fakes.clock import FakeClock
from tests.support.film_folder import film_folder
from tests.support.h264 import PPS, SPS, access_unit

AT = datetime(2026, 11, 29, 4, 32, 59, 724000, tzinfo=UTC)
TRACK = TrackBoxes((640, 480), SPS, PPS)


def facts(number: int = 1) -> FilmFacts:
    name = MediaName(AT, "3f2a91c0", number, "recording").id
    return FilmFacts(
        name, "recording", "event-1", "motion", 103.0, AT, 100.0, "3f2a91c0-x", clock_set=True, masked=False
    )


def record(folder: Path, number: int = 1, frames: int = 35, access: FileAccess = OWNER_ONLY) -> FilmFile:
    film = FilmFile(folder, facts(number), TRACK, access)
    for frame in range(frames):
        film.add(access_unit(frame, key=frame % 10 == 0), 100.0 + frame / 10, key=frame % 10 == 0)
    return film


def test_a_closed_film_is_a_plain_file_with_a_side_car_and_nothing_else(tmp_path: Path) -> None:
    film = record(tmp_path).close("end", 0.25)
    assert film is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{film.id}.json", f"{film.id}.mp4"]
    told = json.loads((tmp_path / f"{film.id}.json").read_text())
    assert told["files"] == [
        {
            "name": f"{film.id}.mp4",
            "format": "mp4",
            "bytes": film.path.stat().st_size,
            "sha256": told["files"][0]["sha256"],
        }
    ]
    assert (told["event_id"], told["cause"], told["frames_count"], told["gap_s"]) == ("event-1", "motion", 35, 0.25)
    assert (round(film.seconds, 6), film.frames, film.pre_roll_s) == (3.5, 35, 3.0)
    assert told["sound"] is None


AAC = bytes.fromhex("1408")


@pytest.mark.parametrize("frames", [2, 3, 4, 35])
def test_the_last_picture_of_a_film_is_shown_as_long_as_the_one_before(tmp_path: Path, frames: int) -> None:
    """A film of less than a quarter of a second showed it for a thirtieth."""
    film = record(tmp_path, frames=frames).close("end", 0.0)
    assert film is not None
    assert film.seconds == pytest.approx(frames / 10)


def test_a_film_with_sound_says_so(tmp_path: Path) -> None:
    film = FilmFile(tmp_path, facts(), replace(TRACK, sound=AAC))
    for number in range(30):
        film.add(access_unit(number, key=not number), 100.0 + number / 10, key=not number)
        film.add_sound(b"early", round((99.0 + number / 100) * TIMESCALE_HZ), AAC)
        film.add_sound(b"sound", round((100.01 + number / 10) * TIMESCALE_HZ), AAC)
        film.add_sound(b"other", round((100.01 + number / 10) * TIMESCALE_HZ), AAC + b"\0")
    closed = film.close("end", 0.0)
    assert closed is not None
    data = closed.path.read_bytes()
    assert (data.count(b"sound") - 1, data.count(b"early"), data.count(b"other")) == (30, 0, 0), "one is a box's"
    assert json.loads(closed.path.with_suffix(".json").read_text())["sound"] == "aac"


def test_a_mended_film_keeps_its_sound(tmp_path: Path) -> None:
    film = FilmFile(tmp_path, facts(), replace(TRACK, sound=AAC))
    for number in range(30):
        film.add(access_unit(number, key=not number), 100.0 + number / 10, key=not number)
        film.add_sound(b"sound", round((100.01 + number / 10) * TIMESCALE_HZ), AAC)
    (mended,) = repair_all(tmp_path)
    assert mended.repaired
    assert mended.path.read_bytes().count(b"sound") > 20
    assert json.loads(mended.path.with_suffix(".json").read_text())["sound"] == "aac"


def access_in(folder: Path) -> dict[str, tuple[str, int]]:
    """Return permission bits and group of each file, by its ending."""
    found = {path.suffix: path.stat() for path in folder.iterdir()}
    return {suffix: (oct(one.st_mode & 0o777), one.st_gid) for suffix, one in found.items()}


def test_film_and_side_car_get_mode_and_group_when_the_film_is_closed(tmp_path: Path) -> None:
    group_id = 33 if os.geteuid() == 0 else os.getegid()
    film = record(tmp_path, access=FileAccess(0o664, group_id))
    assert access_in(tmp_path)[".rec"][0] == "0o600"
    film.close("end", 0.0)
    assert access_in(tmp_path) == {".mp4": ("0o664", group_id), ".json": ("0o664", group_id)}


def test_the_event_of_a_mended_film_ends_with_it(tmp_path: Path) -> None:
    event = {"id": "event-1", "kind": "motion", "at": "2026-11-29T04:33:02.724Z", "cause": "motion"}
    film = FilmFile(tmp_path, replace(facts(), event=event), TRACK)
    for frame in range(35):
        film.add(access_unit(frame, key=frame % 10 == 0), 100.0 + frame / 10, key=frame % 10 == 0)
    (mended,) = repair_all(tmp_path)
    assert mended.event is not None
    assert (mended.event.id, mended.event.ended_by, mended.event.ended_at) == ("event-1", "interrupted", mended.last_at)


def test_a_mended_film_gets_them_too(tmp_path: Path) -> None:
    record(tmp_path)
    assert len(repair_all(tmp_path, access=FileAccess(0o664, None))) == 1
    assert {mode for mode, _ in access_in(tmp_path).values()} == {"0o664"}


def test_a_film_without_room_for_its_plain_copy_gets_them_too(tmp_path: Path, mocker: MockerFixture) -> None:
    film = record(tmp_path, access=FileAccess(0o664, None))
    mocker.patch.object(film_finish, "write_plain", side_effect=OSError(errno.ENOSPC, "No space left on device"))
    film.close("end", 0.0)
    assert {mode for mode, _ in access_in(tmp_path).values()} == {"0o664"}


def test_names_are_those_that_the_archive_knows(tmp_path: Path) -> None:
    film = record(tmp_path)
    assert film_in_progress(unfinished_film(film.facts.id)) == film.facts.id
    saved = film.close("end", 0.0)
    assert saved is not None
    assert parse_file(saved.path.name) == (saved.id, "mp4")
    assert is_film_id(saved.id)
    assert not is_film_id("../" + saved.id)


@pytest.mark.parametrize("kind", FILM_KINDS)
def test_every_kind_of_film_is_known_by_its_id(kind: FilmKind) -> None:
    name = MediaName(AT, "3f2a91c0", 7, kind).id
    assert is_film_id(name)
    assert film_in_progress(f".{name}.mp4.rec") == name
    assert is_film_part(f".{name}.json.12.part")


@pytest.mark.parametrize("kind", ["single", "stack", "motion"])
def test_nothing_else_is_taken_for_a_film(kind: str) -> None:
    name = f"20261129T043259724Z-3f2a91c0-000007-{kind}"
    assert not is_film_id(name)
    assert film_in_progress(f".{name}.mp4.rec") is None
    assert not is_film_part(f".{name}.mp4.12.part")


def test_a_film_that_was_cut_off_is_mended_at_the_next_start(tmp_path: Path) -> None:
    film = record(tmp_path)
    path = tmp_path / unfinished_film(film.facts.id)
    with path.open("r+b") as file:  # a power cut in the middle of a fragment
        file.truncate(path.stat().st_size - 50)
    (tmp_path / "somebody-elses.rec").write_bytes(b"x")
    (mended,) = repair_all(tmp_path)
    assert mended.repaired
    assert (mended.frames, round(mended.seconds, 6)) == (30, 3.0)
    assert not path.exists()
    assert (tmp_path / "somebody-elses.rec").exists()
    assert repair_all(tmp_path) == []


def test_a_link_in_the_place_of_a_film_is_left_alone(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "films", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    record(elsewhere)
    (film,) = elsewhere.iterdir()
    (folder / film.name).symlink_to(film)
    assert repair_all(folder) == []
    assert [path.is_symlink() for path in folder.iterdir()] == [True]


def test_a_crash_after_the_film_was_placed_leaves_one_film(tmp_path: Path) -> None:
    film = record(tmp_path)
    path = tmp_path / unfinished_film(film.facts.id)
    shutil.copy(path, tmp_path / "kept")
    saved = film.close("end", 0.0)
    assert saved is not None
    shutil.move(tmp_path / "kept", path)
    assert [mended.id for mended in repair_all(tmp_path)] == [saved.id]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".mp4"]


def test_a_film_without_a_whole_fragment_goes(tmp_path: Path) -> None:
    record(tmp_path, frames=2)
    assert repair_all(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_mended_stays_and_holds_up_nothing(tmp_path: Path) -> None:
    record(tmp_path, 1)
    strange = tmp_path / unfinished_film(MediaName(AT, "3f2a91c0", 2, "recording").id)
    shutil.copy(tmp_path / unfinished_film(facts(1).id), strange)  # its facts name another film
    assert len(repair_all(tmp_path)) == 1
    assert strange.exists()


def test_without_room_for_the_copy_the_film_stays_as_it_was_written(tmp_path: Path, mocker: MockerFixture) -> None:
    film = record(tmp_path)
    real = os.fsync

    def full(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name.endswith(f".mp4.{os.getpid()}.part"):
            raise OSError(28, "No space left on device")
        real(descriptor)

    mocker.patch.object(os, "fsync", full)
    saved = film.close("no_space", 0.0)
    mocker.stopall()
    assert saved is not None
    assert saved.frames == 35
    assert saved.path.read_bytes()[4:12] == b"ftypiso5"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".mp4"]


@pytest.mark.parametrize("is_durable", [True, False])
def test_a_film_that_is_told_of_once_it_is_whole_is_synced_only_then(
    tmp_path: Path, mocker: MockerFixture, *, is_durable: bool
) -> None:
    begun, closed = mocker.spy(os, "fdatasync"), mocker.spy(os, "fsync")
    film = FilmFile(tmp_path, facts(), TRACK, is_durable=is_durable)
    for frame in range(35):
        film.add(access_unit(frame, key=frame % 10 == 0), 100.0 + frame / 10, key=frame % 10 == 0)
    assert (begun.call_count, closed.call_count) == ((3, 1) if is_durable else (0, 0))
    assert film.close("end", 0.0) is not None
    assert closed.call_count >= 3, "film, side-car and folder"


def _folder(
    directory: Path, mocker: MockerFixture, free: list[int], removed: Callable[[str], None] = lambda _film_id: None
) -> FilmFolder:
    mocker.patch.object(os, "statvfs", side_effect=lambda _path: SimpleNamespace(f_bavail=free[0], f_frsize=1))
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        real(path, missing_ok=missing_ok)
        free[0] += 200 if path.suffix == ".mp4" else 0

    mocker.patch.object(Path, "unlink", unlink)
    return film_folder(directory, FakeClock(), min_free_bytes=1000, removed=removed)


def test_films_of_this_run_count_as_newer_while_the_clock_is_not_set(tmp_path: Path, mocker: MockerFixture) -> None:
    earlier = MediaName(AT, "0b5c1d2e", 9, "recording").id
    unset = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    own = [MediaName(unset + timedelta(minutes=number), "3f2a91c0", number, "recording").id for number in (1, 2)]
    for film in (earlier, *own):
        (tmp_path / f"{film}.mp4").touch()
    free = [900]
    folder = _folder(tmp_path, mocker, free)
    left = []
    for _ in range(2):
        folder.make_room(0)
        left.append(sorted(path.stem for path in tmp_path.iterdir()))
        free[0] = 900
    assert left == [own, own[1:]]


def test_the_oldest_films_make_room_and_kept_ones_stay(tmp_path: Path, mocker: MockerFixture) -> None:
    films = [record(tmp_path, number).close("end", 0.0) for number in (1, 2, 3)]
    kept = tmp_path / f"{facts(1).id}.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "kept": True}))
    removed: list[str] = []
    _folder(tmp_path, mocker, [900], removed.append).make_room(0)
    assert [film.path.exists() for film in films if film is not None] == [True, False, True]
    assert removed == [film.id for film in films[1:2] if film is not None], "so that its row goes, too"


def test_pictures_beside_the_films_take_no_memory_when_room_is_made_or_films_are_repaired(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    for number in range(3000):
        (tmp_path / f"20261120T194501{number % 1000:03d}Z-3f2a91c0-{number:06d}-single.jpg").touch()
    folder = _folder(tmp_path, mocker, [900])
    repair_all(tmp_path)
    tracemalloc.start()
    try:
        repair_all(tmp_path)
        with pytest.raises(NoSpace):
            folder.make_room(0)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 100_000


def test_where_no_film_is_left_there_is_no_space(tmp_path: Path, mocker: MockerFixture) -> None:
    with pytest.raises(NoSpace):
        _folder(tmp_path, mocker, [900]).make_room(0)


def test_a_damaged_fragment_costs_no_other_one(tmp_path: Path) -> None:
    film = record(tmp_path)
    path = tmp_path / unfinished_film(film.facts.id)
    content = path.read_bytes()
    second = content.index(b"moof", content.index(b"moof") + 4)
    path.write_bytes(content[: second + 4] + bytes(60) + content[second + 64 :])  # blocks that never reached the card
    (mended,) = repair_all(tmp_path)
    assert mended.frames == 30
    assert round(mended.last_picture_s, 6) == 3.2


def test_a_film_with_a_damaged_header_is_left_to_its_owner(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    film = record(tmp_path)
    path = tmp_path / unfinished_film(film.facts.id)
    content = path.read_bytes().replace(b"avcC", b"\0\0\0\0")
    path.write_bytes(content)
    assert repair_all(tmp_path) == []
    assert path.read_bytes() == content
    assert "cannot be repaired, and is left there" in caplog.text


@pytest.mark.parametrize(
    "odd", [{"id": 5}, {"cause": None}, {"event": [1]}, {"first_mono_s": "x"}, {"first_at": 7}, {"masked": "no"}]
)
def test_odd_facts_of_a_film_end_nothing(tmp_path: Path, mocker: MockerFixture, odd: dict[str, object]) -> None:
    record(tmp_path, 1)
    name = MediaName(AT, "3f2a91c0", 2, "recording").id
    told = json.dumps({**json.loads(facts(2).encoded()), **odd}).encode()
    mocker.patch.object(FilmFacts, "encoded", return_value=told)
    record(tmp_path, 2)
    assert len(repair_all(tmp_path)) == 1
    assert (tmp_path / unfinished_film(name)).exists()
