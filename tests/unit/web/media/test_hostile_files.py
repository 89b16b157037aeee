"""Damaged pictures that would need too much memory, and invalid measurements."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.thumbnails import thumbnail
from pi_cam_node.web.media.thumbnails import Thumbnails
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES
from tests.support.pictures import ALL, archive_in, config, picture, scene

CORPUS = Path(__file__).parents[4] / "tests" / "fuzz" / "corpus"


@pytest.mark.skipif(find_spec("simplejpeg") is None, reason="OpenCV has a limit of its own")
def test_a_jpeg_larger_than_any_camera_has_is_refused_before_it_is_read() -> None:
    bomb = (CORPUS / "picture" / "jpeg-of-65000-by-65000").read_bytes()
    for read in (jpeg.decode, lambda data: thumbnail(data, 64, 48 << 10)):
        with pytest.raises(ValueError, match="65000 x 65000"):
            read(bomb)


@pytest.mark.parametrize("extension", ["jpg", "png", "npy"])
def test_a_thumbnail_is_made_of_every_format_that_is_saved(tmp_path: Path, extension: str) -> None:
    saved = archive_in(tmp_path, FakeClock()).save(picture(), ALL, config())
    path = next(path for path in saved.paths if path.endswith(f".{extension}"))
    small = jpeg.decode(Thumbnails(IMAGES).of(path, "etag", 32))
    assert small.shape == (24, 32, 3)


def test_an_npy_file_that_was_cut_short_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, scene())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="not whole"):
        Thumbnails(IMAGES).of(str(path), "etag", 32)


def test_values_that_no_sensor_has_are_dropped_and_others_stay() -> None:
    assert Sensor(-1, math.nan, math.inf, 1e9).plausible() == Sensor()
    real = Sensor(20_000, 2.5, 120.0, 41.5)
    assert real.plausible() == real
    assert Sensor(10**40, 1e300, -0.1, math.nan).plausible() == Sensor()
