"""Reference: the bare work of `pastStack` and `save`, with the same libraries on the same disk.

`python -m benchmarks.work FILM FOLDER COUNT TIMES` prints mean times in ms: ``stack_ms`` for decoding COUNT JPEGs of
the ring's quality, adding, encoding once and syncing one file; ``encode_ms`` and ``sync_ms`` for one frame.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import cv2
import numpy as np
import simplejpeg

from benchmarks import film

RING_QUALITY, PICTURE_QUALITY = 85, 92


def stack(jpegs: Sequence[bytes]) -> bytes:
    """Return the mean of several pictures as a JPEG."""
    total = np.zeros((film.HEIGHT, film.WIDTH, 3), np.uint16)
    for jpeg in jpegs:
        total += simplejpeg.decode_jpeg(jpeg, "BGR")
    half = len(jpegs) // 2
    picture = ((total + half) // len(jpegs)).astype(np.uint8)
    return bytes(simplejpeg.encode_jpeg(picture, PICTURE_QUALITY, "BGR", "420"))


def sync(path: Path, data: bytes) -> None:
    """Write a file and sync it to disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    """Measure."""
    cv2.setNumThreads(1)
    source, path = os.open(sys.argv[1], os.O_RDONLY), Path(sys.argv[2]) / "bare.jpg"
    count, times = int(sys.argv[3]), int(sys.argv[4])
    jpegs = []
    for number in range(count):
        pixels = np.empty(film.PICTURE_BYTES, np.uint8)
        os.preadv(source, [pixels.data], film.offset(number % film.PICTURES))
        jpegs.append(simplejpeg.encode_jpeg_yuv_planes(*film.planes(pixels), RING_QUALITY))
    sync(path, stack(jpegs))
    moments = []
    for _ in range(times):
        begin = time.perf_counter()
        whole = stack(jpegs)
        sync(path, whole)
        stacked = time.perf_counter()
        data = simplejpeg.encode_jpeg_yuv_planes(*film.planes(pixels), PICTURE_QUALITY)
        encoded = time.perf_counter()
        sync(path, data)
        moments.append((begin, stacked, encoded, time.perf_counter()))
    names = ("stack_ms", "encode_ms", "sync_ms")
    figures = {name: mean(m[i + 1] - m[i] for m in moments) * 1000 for i, name in enumerate(names)}
    path.unlink()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
