"""Reference for the cost of a frame: read a picture, mean luma, one JPEG, append to a ring, at the node's rate.

`python -m benchmarks.floor FILM FPS`; the ring is filled first at full speed. Runs until killed.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from benchmarks import film

RING_FRAMES, QUALITY, ROW_STEP = 300, 85, 8


def pictures(path: Path, fps: float) -> Iterator[tuple[float, float, bytes]]:
    """Yield monotonic time, mean luma and JPEG of a film's pictures; first a full ring at once, then at the rate."""
    cv2.setNumThreads(1)
    descriptor = os.open(path, os.O_RDONLY)
    count = (os.fstat(descriptor).st_size - len(film.HEADER)) // film.STEP_BYTES
    pixels = np.empty(film.PICTURE_BYTES, np.uint8)
    y, u, v = film.planes(pixels)
    due_s = time.monotonic()
    for number in itertools.count():
        if number > RING_FRAMES:
            due_s = max(due_s + 1 / fps, time.monotonic() - 1 / fps)
            time.sleep(max(0.0, due_s - time.monotonic()))
        os.preadv(descriptor, [pixels.data], film.offset(number % count))
        jpeg = simplejpeg.encode_jpeg_yuv_planes(y, u, v, QUALITY)
        yield time.monotonic(), cv2.mean(y[::ROW_STEP])[0], jpeg


def main() -> None:
    """Loop."""
    ring: deque[tuple[float, float, bytes]] = deque(maxlen=RING_FRAMES)
    for picture in pictures(Path(sys.argv[1]), float(sys.argv[2])):
        ring.append(picture)


if __name__ == "__main__":
    main()
