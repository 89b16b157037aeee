"""The bare floor: make a frame, its mean luma, one JPEG, append to a ring. Nothing else, paced like the node."""

from __future__ import annotations

import os
import sys
import time
from collections import deque

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import simplejpeg

from pi_cam_node.config import Config
from pi_cam_node.jpeg import planes
from pi_cam_node.sources.base import controls_of
from pi_cam_node.sources.synthetic import SyntheticSource


def main() -> None:
    """Print milliseconds of processor time per frame."""
    frames = int(sys.argv[1])
    config = Config()
    source = SyntheticSource()
    source.open(config.camera, controls_of(config, "day"))
    ring: deque[tuple[float, float, bytes]] = deque(maxlen=300)
    start_s = 0.0
    for number in range(frames + 20):
        if number == 20:
            start_s = time.process_time()
        shot = source.read()
        y, u, v = planes(shot.pixels)
        ring.append((shot.captured_mono_s, cv2.mean(y[::8])[0], simplejpeg.encode_jpeg_yuv_planes(y, u, v, 85)))
    print((time.process_time() - start_s) / frames * 1000)


if __name__ == "__main__":
    main()
