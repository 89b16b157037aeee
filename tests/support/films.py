"""Generates films with a number in every image, and reads the properties of recorded ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from pi_cam_node.camera.sources.synthetic.scene import burn_in
from pi_cam_node.core.film import Film

SIZE = (320, 240)
RECORDED_AT = datetime(2026, 11, 29, 4, 32, 59, 724000, tzinfo=UTC)
RECORDED = Film(
    "f1",
    "recording",
    Path("/c/f1.mp4"),
    "e1",
    "motion",
    RECORDED_AT,
    1.0,
    12.0,
    11.9,
    120,
    0.5,
    4.9,
    999,
    (64, 48),
    "avc1",
    "end",
)


def make_film(path: Path, images: int, rate_hz: float = 10.0) -> Path:
    """Write a motion JPEG film whose images are numbered from 0."""
    width, height = SIZE
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate_hz, SIZE)
    assert writer.isOpened(), "this OpenCV cannot write films"
    for number in range(images):
        luma = np.full((height, width), 90, np.uint8)
        burn_in(luma, number)
        writer.write(cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def make_raw_film(path: Path, images: int, rate_hz: float = 10.0, range_: str = "FULL") -> Path:
    """Write an uncompressed film (YUV4MPEG2) whose images are numbered from 0 and grey."""
    width, height = SIZE
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F{rate_hz:g}:1 Ip A1:1 C420jpeg XCOLORRANGE={range_}\n".encode())
        for number in range(images):
            luma = np.full((height, width), 90, np.uint8)
            burn_in(luma, number)
            film.write(b"FRAME\n" + luma.tobytes() + bytes([128]) * (width * height // 2))
    return path
