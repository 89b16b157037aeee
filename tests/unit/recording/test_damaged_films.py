"""Films in progress with damage anywhere, repaired."""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.core.film import Film
from pi_cam_node.core.media_ids import MediaName, unfinished_film
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording import film_finish
from pi_cam_node.recording.film_facts import FilmFacts
from pi_cam_node.recording.film_file import FilmFile
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.mp4.parse import read_fragmented
from pi_cam_node.recording.repair import repair_all
from tests.support.h264 import PPS, SPS, access_unit

AT = datetime(2026, 11, 29, 4, 32, 59, 724000, tzinfo=UTC)
AAC = bytes.fromhex("1408")
NAME = MediaName(AT, "3f2a91c0", 1, "recording").id
FRAMES, IN_FRAGMENT = 60, 3


def facts() -> FilmFacts:
    return FilmFacts(NAME, "recording", "", "record", 100.0, AT, 100.0, "3f2a91c0-x", clock_set=True, masked=False)


def recorded(folder: Path) -> bytes:
    """Return a film in progress with a number in each picture, three to a fragment, and with sound."""
    film = FilmFile(folder, facts(), replace(TrackBoxes((640, 480), SPS, PPS), sound=AAC))
    heard = 0
    for number in range(FRAMES):
        film.add(access_unit(number, key=number % 10 == 0), 100.0 + number / 10, key=number % 10 == 0)
        while heard * 1024 / 16_000 < number / 10:
            film.add_sound(b"sound%03d" % heard, round((100.01 + heard * 1024 / 16_000) * TIMESCALE_HZ), AAC)
            heard += 1
    film.flush()
    return (folder / unfinished_film(NAME)).read_bytes()


def fragments_of(data: bytes | bytearray) -> Sequence[tuple[int, int, int]]:
    """Return begin, end of the header, and end of each fragment."""
    found, begin = [], data.index(b"moof") - 4
    while begin < len(data):
        (header,) = struct.unpack_from(">I", data, begin)
        (content,) = struct.unpack_from(">I", data, begin + header)
        found.append((begin, begin + header, begin + header + content))
        begin += header + content
    return found


def pictures_of(data: bytes) -> Sequence[tuple[int, int]]:
    """Return begin and end of each picture in a film in progress."""
    return [(each.position, each.end) for each in read_fragmented(io.BytesIO(data)).samples]


def repaired(folder: Path, data: bytes | bytearray) -> Film | None:
    for path in folder.iterdir():
        path.unlink()
    (folder / unfinished_film(NAME)).write_bytes(data)
    return next(iter(repair_all(folder)), None)


def samples_of(film: Film) -> Sequence[tuple[float, bytes]]:
    """Return time and bytes of each picture, as another reader finds them; decodes nothing."""
    av = pytest.importorskip("av", reason="the extra video is not installed")
    with av.open(str(film.path)) as container:
        return [(float(each.pts * each.time_base), bytes(each)) for each in container.demux(video=0) if each.size]


def damaged(data: bytes, where: random.Random, kind: str) -> tuple[bytearray, set[int]]:
    """Return a film with damage of a kind, and the numbers of the fragments in which it is."""
    fragments, found = fragments_of(data), bytearray(data)
    number = where.randrange(len(fragments))
    begin, header_end, _ = fragments[number]
    if kind == "block":
        begin, length = where.randrange(fragments[0][0], len(data)), where.choice((16, 512, 4096))
        found[begin : begin + length] = where.choice((bytes(length), where.randbytes(length)))[: len(data) - begin]
    else:
        begin, length = where.randrange(begin, header_end + 8), 1
        found[begin] ^= 1 << where.randrange(8)
    return found, {n for n, (first, _, last) in enumerate(fragments) if first < begin + length and begin < last}


@pytest.mark.parametrize("kind", ["bit of a header", "block"])
def test_no_more_fragments_are_lost_than_are_damaged(tmp_path: Path, kind: str) -> None:
    data, where = recorded(tmp_path), random.Random(kind)
    for _ in range(60):
        content, hit = damaged(data, where, kind)
        film = repaired(tmp_path, content)
        assert film is not None
        samples = samples_of(film)
        assert [time_s for time_s, _ in samples] == sorted({time_s for time_s, _ in samples})
        assert film.seconds <= FRAMES / 10 + 0.001 or FRAMES // IN_FRAGMENT - 1 in hit
        found = {sample for _, sample in samples} & {data[begin:end] for begin, end in pictures_of(data)}
        assert len(found) >= FRAMES - IN_FRAGMENT * len(hit), f"{FRAMES - len(found)} lost, only {sorted(hit)} damaged"


def test_pictures_behind_a_damaged_size_keep_their_times_and_the_gap_is_told(tmp_path: Path) -> None:
    data = bytearray(recorded(tmp_path))
    begin = fragments_of(data)[4][0]
    data[begin : begin + 4] = b"\xff\xff\xff\xff"
    film = repaired(tmp_path, data)
    assert film is not None
    assert film.frames == FRAMES - IN_FRAGMENT
    assert film.seconds == pytest.approx(FRAMES / 10)
    assert film.gap_s == pytest.approx((IN_FRAGMENT + 1) / 10), "from the picture before to the one behind"
    assert json.loads(film.path.with_suffix(".json").read_text())["gap_s"] == pytest.approx(0.4)
    assert samples_of(film)[12][0] == pytest.approx(1.5)


def test_a_film_whose_begin_is_damaged_begins_later_with_its_sound(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the extra video is not installed")
    data = bytearray(recorded(tmp_path))
    for begin, header_end, _ in fragments_of(data)[:2]:
        data[begin:header_end] = bytes(header_end - begin)
    film = repaired(tmp_path, data)
    assert film is not None
    assert film.first_at == AT + timedelta(seconds=0.6)
    assert film.first_mono_s == pytest.approx(100.6)
    with av.open(str(film.path)) as container:
        sound = next(each for each in container.demux(audio=0) if bytes(each) == b"sound020")
        assert float(sound.pts * sound.time_base) == pytest.approx(0.01 + 20 * 0.064 - 0.6, abs=0.01)


def test_a_film_with_damage_waits_for_room_for_its_plain_file(tmp_path: Path, mocker: MockerFixture) -> None:
    data = bytearray(recorded(tmp_path))
    begin = fragments_of(data)[4][0]
    data[begin : begin + 4] = bytes(4)
    mocker.patch.object(film_finish, "write_plain", side_effect=OSError(28, "No space left on device"))
    assert repaired(tmp_path, data) is None
    assert (tmp_path / unfinished_film(NAME)).read_bytes() == data
    mocker.stopall()
    assert len(repair_all(tmp_path)) == 1


def test_a_film_with_a_damaged_header_is_never_deleted(tmp_path: Path) -> None:
    data, where = recorded(tmp_path), random.Random(1)
    for _ in range(60):
        content = bytearray(data)
        content[where.randrange(fragments_of(data)[0][0])] ^= 1 << where.randrange(8)
        assert repaired(tmp_path, content) is not None or (tmp_path / unfinished_film(NAME)).exists()
