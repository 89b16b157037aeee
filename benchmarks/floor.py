"""The bare floor: read a picture, its mean luma, one JPEG, append to a ring. Nothing else, paced like the node.

`python -m benchmarks.floor FILM FPS`; the ring is filled first, without a pause. Runs until killed.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections import deque
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from benchmarks import film

RING_FRAMES, QUALITY, ROW_STEP = 300, 85, 8


def main() -> None:
    """Loop."""
    cv2.setNumThreads(1)
    descriptor, fps = os.open(Path(sys.argv[1]), os.O_RDONLY), float(sys.argv[2])
    pictures = (os.fstat(descriptor).st_size - len(film.HEADER)) // film.STEP_BYTES
    pixels = np.empty(film.PICTURE_BYTES, np.uint8)
    y, u, v = film.planes(pixels)
    ring: deque[tuple[float, float, bytes]] = deque(maxlen=RING_FRAMES)
    due_s = time.monotonic()
    for number in itertools.count():
        if number > RING_FRAMES:
            due_s = max(due_s + 1 / fps, time.monotonic() - 1 / fps)
            time.sleep(max(0.0, due_s - time.monotonic()))
        os.preadv(descriptor, [pixels.data], film.offset(number % pictures))
        jpeg = simplejpeg.encode_jpeg_yuv_planes(y, u, v, QUALITY)
        ring.append((time.monotonic(), cv2.mean(y[::ROW_STEP])[0], jpeg))


if __name__ == "__main__":
    main()
