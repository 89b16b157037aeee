"""Uncompressed video files: header, timing of pictures, and errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import controls_of
from pi_cam_node.camera.sources import pacing
from pi_cam_node.camera.sources.synthetic.scene import number_of
from pi_cam_node.camera.sources.y4m_file import Y4mFileSource, parse
from pi_cam_node.config import CameraConfig, Config
from pi_cam_node.imaging.jpeg import planes
from tests.support.films import SIZE, make_raw_film

CONFIG = Config(camera=CameraConfig(framerate=60.0))
CONTROLS = controls_of(CONFIG, "day")


def opened(path: Path) -> Y4mFileSource:
    source = Y4mFileSource(str(path))
    assert source.open(CONFIG.camera, CONTROLS).size == SIZE
    return source


def numbers(source: Y4mFileSource, count: int) -> list[int]:
    return [number_of(planes(source.read().pixels)[0]) for _ in range(count)]


def test_the_first_line_tells_size_rate_and_range() -> None:
    header = parse(b"YUV4MPEG2 W640 H480 F30000:1001 Ip A1:1 C420mpeg2 XCOLORRANGE=FULL\nFRAME\n")
    assert header.size == (640, 480)
    assert header.rate_hz == pytest.approx(29.97, abs=0.001)
    assert header.full_range
    assert header.length_bytes == 67


def test_a_file_that_tells_no_range_has_the_limited_one_of_video() -> None:
    assert not parse(b"YUV4MPEG2 W640 H480\n").full_range


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"RIFF", "not YUV4MPEG2"),
        (b"YUV4MPEG2 W640 H480", "not YUV4MPEG2"),
        (b"YUV4MPEG2 W640 H480 C444\n", "444"),
        (b"YUV4MPEG2 W641 H480\n", "even"),
        (b"YUV4MPEG2 Wx H480\n", "invalid literal"),
    ],
)
def test_another_format_is_refused_with_the_reason(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(line)


def test_it_begins_again_at_its_end(tmp_path: Path) -> None:
    source = opened(make_raw_film(tmp_path / "film.y4m", 3, 60.0))
    assert numbers(source, 7) == [0, 1, 2, 0, 1, 2, 0]
    source.close()


def test_a_fast_film_is_thinned_out(tmp_path: Path) -> None:
    source = opened(make_raw_film(tmp_path / "film.y4m", 9, 180.0))
    assert numbers(source, 4) == [2, 5, 8, 2]
    source.close()


def test_a_slow_film_keeps_its_pace(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(pacing, "time", mocker.Mock(monotonic=lambda: 1000.0))  # no moment is missed on a busy machine
    source = opened(make_raw_film(tmp_path / "film.y4m", 9, 30.0))
    first, second = source.read(), source.read()
    assert second.captured_mono_s - first.captured_mono_s == pytest.approx(1 / 30)
    source.close()


def test_limited_range_is_stretched(tmp_path: Path) -> None:
    source = opened(make_raw_film(tmp_path / "film.y4m", 1, 60.0, range_="LIMITED"))
    y, u, _v = planes(source.read().pixels)
    assert y[-1, -1] == round((90 - 16) * 255 / 219)
    assert np.all(u == 128)
    source.close()


def test_a_film_that_is_cut_off_plays_its_whole_pictures(tmp_path: Path) -> None:
    path = make_raw_film(tmp_path / "film.y4m", 3, 60.0)
    path.write_bytes(path.read_bytes()[:-1])
    source = opened(path)
    assert numbers(source, 4) == [0, 1, 0, 1]
    source.close()


def test_pictures_that_do_not_begin_with_their_mark_are_an_error(tmp_path: Path) -> None:
    path = make_raw_film(tmp_path / "film.y4m", 2, 60.0)
    path.write_bytes(path.read_bytes().replace(b"FRAME\n", b"FRAME Ip\n"))
    source = opened(path)
    with pytest.raises(SourceError, match="parameters of its own"):
        source.read()
    source.close()


def test_a_film_without_a_picture_is_refused(tmp_path: Path) -> None:
    path = make_raw_film(tmp_path / "film.y4m", 0)
    with pytest.raises(SourceError, match="no whole picture"):
        Y4mFileSource(str(path)).open(CONFIG.camera, replace(CONTROLS, framerate=5))
