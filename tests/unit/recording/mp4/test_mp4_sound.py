"""Films with sound: fragmented, truncated, plain, and read by PyAV."""

from __future__ import annotations

import io
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.imaging.aac import SAMPLES
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.mp4.fragmented import FragmentedWriter
from pi_cam_node.recording.mp4.parse import FragmentedFile, read_fragmented
from pi_cam_node.recording.mp4.plain import write_plain
from tests.support.h264 import PPS, SPS, access_unit, number_of

RATE_HZ = 16_000
AAC = bytes.fromhex("1408")
TRACK = TrackBoxes((640, 480), SPS, PPS, "motion", 1_795_926_000.0, is_copied=True, sound=AAC)
SECONDS, FPS = 3, 10
FRAMES = SECONDS * RATE_HZ // SAMPLES


def frame(number: int) -> bytes:
    return b"sound" + bytes((number,)) * (20 + number % 7)


def write(path: Path, late_s: float = 0.0, missing: range = range(0), track: TrackBoxes = TRACK) -> bytes:
    """Write a film of pictures and sound in the order of their times, and return its bytes."""
    pictures = [(number / FPS, number, False) for number in range(SECONDS * FPS)]
    sound = [(late_s + n * SAMPLES / RATE_HZ, n, True) for n in range(FRAMES) if n not in missing]
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        writer = FragmentedWriter(descriptor, track, b"{}")
        for at_s, number, is_sound in sorted(pictures + sound):
            if is_sound:
                writer.add_sound(frame(number), round(at_s * TIMESCALE_HZ))
            else:
                writer.add(access_unit(number, key=number % FPS == 0), round(at_s * TIMESCALE_HZ), number % FPS == 0)
        writer.finish()
    finally:
        os.close(descriptor)
    return path.read_bytes()


def heard(data: bytes, content: FragmentedFile) -> list[bytes]:
    return [data[sample.position : sample.position + sample.size_bytes] for sample in content.sound]


def test_sound_reads_back_frame_by_frame(tmp_path: Path) -> None:
    data = write(tmp_path / "film")
    content = read_fragmented(io.BytesIO(data))
    assert content.track == TrackBoxes((640, 480), SPS, PPS, is_copied=True, sound=AAC)
    assert heard(data, content) == [frame(number) for number in range(FRAMES)]
    assert [sample.ticks for sample in content.sound] == [number * SAMPLES for number in range(FRAMES)]
    assert [number_of(data[s.position :]) for s in content.samples] == list(range(SECONDS * FPS))
    assert (content.seconds, content.whole_bytes) == (SECONDS, len(data))


def test_a_film_without_sound_takes_none(tmp_path: Path) -> None:
    data = write(tmp_path / "film", track=TrackBoxes((640, 480), SPS, PPS))
    content = read_fragmented(io.BytesIO(data))
    assert (content.sound, content.track.sound) == ((), b"")
    assert b"mp4a" not in data


def test_sound_without_pictures_is_bounded(tmp_path: Path) -> None:
    with (tmp_path / "film").open("wb") as file:
        writer = FragmentedWriter(file.fileno(), TRACK, b"{}")
        writer.add(access_unit(0, key=True), 0, True)
        for number in range(20):
            writer.add_sound(bytes(1 << 20), number * SAMPLES * TIMESCALE_HZ // RATE_HZ)
        writer.finish()
    assert 4 << 20 < (tmp_path / "film").stat().st_size < 6 << 20


def test_a_film_that_was_cut_anywhere_keeps_the_sound_of_its_whole_fragments(tmp_path: Path) -> None:
    data = write(tmp_path / "film")
    content = read_fragmented(io.BytesIO(data))
    for length in range(content.samples[0].position, len(data), 41):
        cut = read_fragmented(io.BytesIO(data[:length]))
        assert cut.sound == content.sound[: len(cut.sound)]
        assert cut.samples == content.samples[: len(cut.samples)]
        assert cut.whole_bytes <= length
        pictures_s, sound_s = len(cut.samples) / FPS, len(cut.sound) * SAMPLES / RATE_HZ
        assert abs(pictures_s - sound_s) < 0.2, "they are cut together"


def test_damaged_sound_in_a_header_is_an_error(tmp_path: Path) -> None:
    data = write(tmp_path / "film")
    at = data.index(b"esds")
    with pytest.raises(ValueError, match="sound"):
        read_fragmented(io.BytesIO(data[: at + 8] + b"\0" + data[at + 9 :]))


def plain(film: Path) -> bytes:
    """Make a plain film beside a fragmented one, and return its bytes."""
    path = film.with_name("plain.mp4")
    with film.open("rb") as source, path.open("wb") as target:
        size_bytes, _digest = write_plain(source, read_fragmented(source), target, TRACK, lambda: None)
    made = path.read_bytes()
    assert len(made) == size_bytes
    return made


def read(path: Path, kind: str) -> list[Any]:
    av: Any = pytest.importorskip("av", reason="the extra video is not installed")
    with av.open(str(path)) as film:
        stream = film.streams.get({kind: 0})[0]
        if kind == "audio":
            codec = stream.codec_context
            assert (codec.name, codec.sample_rate, codec.channels, codec.extradata) == ("aac", RATE_HZ, 1, AAC)
            assert stream.time_base == Fraction(1, RATE_HZ)
        return [(float(p.pts * p.time_base), bytes(p)) for p in film.demux(stream) if p.size]


@pytest.mark.parametrize("kind", ["film", "plain"])
def test_another_reader_finds_every_frame_at_its_time(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "film.mp4")
    plain(tmp_path / "film.mp4")
    sound, pictures = (read(tmp_path / f"{kind}.mp4", each) for each in ("audio", "video"))
    assert [data for _, data in sound] == [frame(number) for number in range(FRAMES)]
    assert [at_s for at_s, _ in sound] == pytest.approx([n * SAMPLES / RATE_HZ for n in range(FRAMES)])
    assert [number_of(data) for _, data in pictures] == list(range(SECONDS * FPS))
    assert [at_s for at_s, _ in pictures] == pytest.approx([n / FPS for n in range(SECONDS * FPS)])


@pytest.mark.parametrize("kind", ["film", "plain"])
def test_sound_that_begins_late_or_pauses_is_heard_when_it_was(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "film.mp4", late_s=0.5, missing=range(10, 20))
    plain(tmp_path / "film.mp4")
    there = [number for number in range(FRAMES) if number not in range(10, 20)]
    sound = read(tmp_path / f"{kind}.mp4", "audio")
    assert [data for _, data in sound] == [frame(number) for number in there]
    assert [at_s for at_s, _ in sound] == pytest.approx([0.5 + n * SAMPLES / RATE_HZ for n in there])


def test_a_track_in_which_nothing_came_is_left_out_of_the_plain_film(tmp_path: Path) -> None:
    write(tmp_path / "film", missing=range(FRAMES))
    assert b"mp4a" not in plain(tmp_path / "film")


def test_pictures_and_sound_lie_by_turns(tmp_path: Path) -> None:
    write(tmp_path / "film")
    made, place, before = plain(tmp_path / "film"), 0, 0
    for number in range(FRAMES):
        place = made.index(frame(number), place)
        assert place - before < 4_000, "a player need not look far for what it plays"
        before = place
