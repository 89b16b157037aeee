"""Fragmented files, truncated anywhere, and their plain files."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.mp4.fragmented import FragmentedWriter
from pi_cam_node.recording.mp4.parse import read_fragmented
from pi_cam_node.recording.mp4.plain import write_plain
from tests.support.h264 import PPS, SPS, access_unit, number_of

TRACK = TrackBoxes((640, 480), SPS, PPS, "motion 2026-11-29", 1_795_926_000.0)
FRAMES, FPS = 35, 10


def ticks_of(number: int) -> int:
    return number * TIMESCALE_HZ // FPS


def write(path: Path, frames: int = FRAMES) -> list[int]:
    """Write a film; return how long the file was after each packet."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    lengths = []
    try:
        writer = FragmentedWriter(descriptor, TRACK, b'{"note": 1}')
        for number in range(frames):
            writer.add(access_unit(number, key=number % FPS == 0), ticks_of(number), number % FPS == 0)
            lengths.append(path.stat().st_size)
        writer.finish()
    finally:
        os.close(descriptor)
    return lengths


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position < len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
            header = 16
        yield kind, data[position + header : position + size]
        position += size


def test_a_film_has_the_time_of_its_first_picture_since_1904(tmp_path: Path) -> None:
    write(tmp_path / "film")
    data = (tmp_path / "film").read_bytes()
    (created_s,) = struct.unpack_from(">Q", data, data.index(b"mvhd") + 8)
    assert datetime(1904, 1, 1, tzinfo=UTC) + timedelta(seconds=created_s) == datetime.fromtimestamp(
        TRACK.created_at, UTC
    )


def test_a_film_reads_back_sample_by_sample(tmp_path: Path) -> None:
    write(tmp_path / "film")
    with (tmp_path / "film").open("rb") as file:
        content = read_fragmented(file)
        assert content.whole_bytes == (tmp_path / "film").stat().st_size
        assert [sample.ticks for sample in content.samples] == [ticks_of(number) for number in range(FRAMES)]
        assert [n for n, sample in enumerate(content.samples) if sample.key] == list(range(0, FRAMES, FPS))
        assert content.notes == b'{"note": 1}'
        assert (content.track.size, content.track.sps, content.track.pps) == ((640, 480), SPS, PPS)
        assert content.seconds == pytest.approx(FRAMES / FPS)
        for number, sample in enumerate(content.samples):
            file.seek(sample.position)
            data = file.read(sample.size_bytes)
            assert number_of(data) == number


def test_a_fragment_is_written_each_quarter_of_a_second(tmp_path: Path) -> None:
    lengths = write(tmp_path / "film")
    grown = [n for n in range(1, FRAMES) if lengths[n] > lengths[n - 1]]
    assert grown == list(range(3, FRAMES, 3)), "a kill loses what came since then"


def test_what_is_written_is_synced_each_second(tmp_path: Path) -> None:
    descriptor, syncs, writing = os.open(tmp_path / "film", os.O_RDWR | os.O_CREAT), [], 0
    writer = FragmentedWriter(descriptor, TRACK, sync=lambda _: syncs.append(writing))
    for writing in range(FRAMES):
        writer.add(access_unit(writing, key=writing % FPS == 0), ticks_of(writing), writing % FPS == 0)
    writer.finish()
    os.close(descriptor)
    assert syncs == [0, 12, 24, FRAMES - 1], "the header, then each second, then the end; a power cut loses the rest"


def test_a_disk_that_refuses_to_sync_leaves_what_it_had_synced(tmp_path: Path) -> None:
    descriptor, refuses = os.open(tmp_path / "film", os.O_RDWR | os.O_CREAT), False

    def sync(_descriptor: int) -> None:
        if refuses:
            raise OSError(5, "Input/output error")

    writer = FragmentedWriter(descriptor, TRACK, sync=sync)
    for number in range(14):
        writer.add(access_unit(number, key=number % FPS == 0), ticks_of(number), number % FPS == 0)
    refuses = True
    with pytest.raises(OSError, match="output"):
        writer.finish()
    os.close(descriptor)
    with (tmp_path / "film").open("rb") as file:
        assert len(read_fragmented(file).samples) == 12


def test_a_file_that_was_cut_anywhere_keeps_its_whole_fragments(tmp_path: Path) -> None:
    write(tmp_path / "film")
    whole = (tmp_path / "film").read_bytes()
    content = read_fragmented(io.BytesIO(whole))
    header = next(sample.position for sample in content.samples) - 400
    for length in range(header, len(whole), 37):
        try:
            cut = read_fragmented(io.BytesIO(whole[:length]))
        except ValueError:
            assert length < content.samples[0].position
            continue
        assert len(cut.samples) % 3 == 0 or len(cut.samples) == FRAMES
        assert cut.samples == content.samples[: len(cut.samples)]
        assert cut.whole_bytes <= length


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\0\x08free", os.urandom(4096), b"\xff" * 64, b"\0\0\0\x10moov\0\0\0\x00abcd"]
)
def test_what_is_no_film_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"header|box|no "):
        read_fragmented(io.BytesIO(data))


def test_a_plain_film_has_its_index_first_and_every_byte_where_the_index_says(tmp_path: Path) -> None:
    write(tmp_path / "film")
    with (tmp_path / "film").open("rb") as source, (tmp_path / "plain").open("wb") as target:
        content = read_fragmented(source)
        size, digest = write_plain(source, content, target, TRACK, lambda: None)
    data = (tmp_path / "plain").read_bytes()
    assert (len(data), len(digest)) == (size, 64)
    assert [kind for kind, _ in boxes(data)] == [b"ftyp", b"moov", b"mdat"]
    moov = dict(boxes(data))[b"moov"]
    co64 = moov.index(b"co64")
    count, first = struct.unpack_from(">IQ", moov, co64 + 8)
    assert count == -(-FRAMES // 3), "one for each fragment"
    assert number_of(data[first:]) == 0
    stsz = moov.index(b"stsz")
    assert struct.unpack_from(">II", moov, stsz + 8) == (0, FRAMES)
    assert b"motion 2026-11-29" in moov


def test_a_full_disk_leaves_the_file_as_long_as_its_last_whole_fragment(tmp_path: Path, mocker: MockerFixture) -> None:
    descriptor = os.open(tmp_path / "film", os.O_RDWR | os.O_CREAT)
    writer = FragmentedWriter(descriptor, TRACK)
    for number in range(12):
        writer.add(access_unit(number, key=number % 10 == 0), ticks_of(number), number % 10 == 0)
    length = (tmp_path / "film").stat().st_size
    real, calls = os.write, []

    def fail(target: int, data: bytes) -> int:
        if target != descriptor:
            return real(target, data)
        calls.append(len(data))
        if len(calls) == 1:
            return real(target, bytes(data[:100]))
        raise OSError(28, "No space left on device")

    mocker.patch.object(os, "write", fail)
    with pytest.raises(OSError, match="space"):
        writer.finish()
    mocker.stopall()
    os.close(descriptor)
    assert (tmp_path / "film").stat().st_size == length
    with (tmp_path / "film").open("rb") as file:
        assert len(read_fragmented(file).samples) == 9


def test_pictures_at_any_rate_keep_their_times(tmp_path: Path) -> None:
    times = [0, 45_000, 90_000, 93_000, 96_000, 99_000, 102_000, 230_000]
    descriptor = os.open(tmp_path / "film", os.O_RDWR | os.O_CREAT)
    writer = FragmentedWriter(descriptor, TRACK)
    for number, ticks in enumerate(times):
        writer.add(access_unit(number, key=not number), ticks, not number)
    writer.finish()
    os.close(descriptor)
    with (tmp_path / "film").open("rb") as file:
        assert [sample.ticks for sample in read_fragmented(file).samples] == times
