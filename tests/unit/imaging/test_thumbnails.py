"""Thumbnails: size limits in pixels and bytes."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import RawImage
from pi_cam_node.imaging.thumbnails import thumbnail, thumbnail_of_pixels
from tests.support.frames import IMAGES

RNG = np.random.default_rng(5)
NOISY = jpeg.encode(RNG.integers(0, 256, (480, 640, 3), np.uint8), "bgr", 95)


@pytest.mark.parametrize("width_px", [64, 320, 640])
def test_it_is_as_wide_as_asked_and_as_small_as_allowed(width_px: int) -> None:
    small = thumbnail(NOISY, width_px, 48 * 1024)
    assert len(small) <= 48 * 1024
    assert jpeg.decode(small).shape[1] <= width_px


@pytest.mark.parametrize("width_px", [40, 100, 320, 333, 500, 640])
def test_it_shows_what_the_picture_shows(width_px: int) -> None:
    pixels = np.asarray(cv2.GaussianBlur(RNG.integers(0, 256, (480, 640, 3), np.uint8), (0, 0), 12), np.uint8)
    height = round(480 * width_px / 640)
    expected = cv2.resize(pixels, (width_px, height), interpolation=cv2.INTER_AREA).astype(int)
    raw = RawImage((640, 480), "bgr", pixels.tobytes())
    copies = [IMAGES.thumbnail(picture, width_px, 48 * 1024) for picture in (raw, jpeg.encode(pixels, "bgr", 95))]
    for copy in (*copies, thumbnail_of_pixels(pixels, (640, 480), width_px, 48 * 1024)):
        small = jpeg.decode(copy)
        assert small.shape == (height, width_px, 3)
        assert np.abs(small - expected).mean() < 3


def test_it_never_enlarges_and_keeps_grey() -> None:
    assert jpeg.decode(thumbnail(NOISY, 1000, 1 << 20)).shape == (480, 640, 3)
    ok, grey = cv2.imencode(".jpg", np.full((48, 64), 90, np.uint8))
    assert ok
    assert np.abs(jpeg.decode(thumbnail(grey.tobytes(), 32, 48 << 10)).astype(int) - 90).max() <= 2


def test_it_keeps_to_a_limit_that_is_very_small() -> None:
    assert len(thumbnail(NOISY, 320, 1500)) <= 1500


def test_it_has_no_comment_which_could_be_larger_than_the_picture() -> None:
    comment = b"\xff\xfe" + (60_002).to_bytes(2, "big") + bytes(60_000)
    small = thumbnail(NOISY[:2] + comment + NOISY[2:], 64, 20_000)
    assert len(small) <= 20_000
    assert jpeg.decode(small).shape[1] == 64


def test_of_one_pixel_it_ends() -> None:
    assert jpeg.decode(thumbnail(jpeg.encode(np.zeros((1, 1, 3), np.uint8), "bgr", 90), 320, 10)).shape == (1, 1, 3)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"not a picture", NOISY[:300], NOISY[: len(NOISY) // 2]])
def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG"):
        thumbnail(data, 64, 48 << 10)


def test_the_process_that_makes_it_of_a_jpeg_has_neither_numpy_nor_opencv() -> None:
    program = (
        "import sys; from pi_cam_node.imaging import task_functions as t; data = sys.stdin.buffer.read()\n"
        "t.run('thumbnail', {'raw': None, 'width_px': 320, 'max_bytes': 40000}, [data], lambda done, total: None)\n"
        "print(sorted({'numpy', 'cv2', 'simplejpeg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], input=NOISY, capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_a_large_picture_is_in_memory_once() -> None:
    """The image of a message is as wide as the picture; a board of 512 MiB has little room beside the camera."""
    picture = jpeg.encode(np.full((3000, 4000, 3), 90, np.uint8), "bgr", 90)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pi_cam_node.imaging.thumbnails import thumbnail\n"
        "def peak_kib():\n"
        "    return int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
        "data = sys.stdin.buffer.read()\n"
        "thumbnail(data, 16, 10000)\n"
        "before_kib = peak_kib()\n"
        "thumbnail(data, 4000, 1 << 20)\n"
        "print(peak_kib() - before_kib)"
    )
    done = subprocess.run([sys.executable, "-c", program], input=picture, capture_output=True, check=True)
    assert int(done.stdout) * 1024 < 1.5 * 4000 * 3000 * 4, "Pillow takes four bytes a pixel"
