"""Video files: orientation."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from pi_cam_node.camera.source import controls_of
from pi_cam_node.camera.sources.video_file import VideoFileSource
from pi_cam_node.config import CameraConfig, Config

CONFIG = Config(camera=CameraConfig(framerate=60.0))
SIZE = (320, 240)
# Display matrices of a track (ISO/IEC 14496-12, 8.3.2), in fixed point.
UNITY = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
QUARTER_TURN = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, SIZE[1] << 16, 0, 1 << 30)


def make_turned_film(path: Path, matrix: bytes) -> None:
    """Write a film whose pictures are white above and black below, to be shown as a matrix says."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 60.0, SIZE)
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    picture[: SIZE[1] // 2] = 255
    for _ in range(5):
        writer.write(picture)
    writer.release()
    content = path.read_bytes()
    track = content.index(b"tkhd")
    path.write_bytes(content[:track] + content[track:].replace(UNITY, matrix, 1))


@pytest.mark.parametrize(
    ("matrix", "size", "bright"),
    [(UNITY, SIZE, (0, 160)), (QUARTER_TURN, SIZE[::-1], (160, 200))],
    ids=["upright", "turned"],
)
def test_a_film_of_a_phone_is_shown_as_the_phone_was_held(
    tmp_path: Path, matrix: bytes, size: tuple[int, int], bright: tuple[int, int]
) -> None:
    make_turned_film(tmp_path / "film.mp4", matrix)
    source = VideoFileSource(str(tmp_path / "film.mp4"))
    assert source.open(CONFIG.camera, controls_of(CONFIG, "day")).size == size
    pixels = source.read().pixels
    source.close()
    assert pixels.shape == (size[1], size[0], 3)
    assert pixels[bright].min() > 200
    assert pixels[size[1] - 1 - bright[0], size[0] - 1 - bright[1]].max() < 60
