"""The web server without a node: publishes prepared pictures of one size at a constant rate.

`python -m benchmarks.streamed PORT FPS BYTES`.
"""

from __future__ import annotations

import itertools
import sys
import time
from datetime import UTC, datetime

import numpy as np

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.cli.bench.viewers import EmptyPictureStore
from pi_cam_node.config import Config
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.jpeg import encode
from pi_cam_node.imaging.task_process import TaskProcess
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.server import WebServer

PICTURES = 20
VIEWERS_MAX = 1000


def frames_of(size_bytes: int, quality: int) -> list[Frame]:
    """Return frames with JPEGs of about the given size (within a few percent)."""
    noise = np.random.default_rng(0)
    side = 64
    now_s = time.monotonic()
    made: list[Frame] = []
    while len(made) < PICTURES:
        pixels = noise.integers(0, 256, (side, side, 3)).astype(np.uint8)
        jpeg = encode(pixels, "bgr", quality)
        if len(jpeg) < size_bytes:
            side += 4
        else:
            made.append(Frame(len(made), now_s, now_s, datetime.now(UTC), (side, side), "day", 128.0, jpeg, quality))
    return made


def publish(hub: FrameHub, frames: list[Frame], fps: float) -> None:
    """Publish the frames again and again at a constant rate."""
    start_s = time.monotonic()
    for number, frame in enumerate(itertools.cycle(frames), start=1):
        time.sleep(max(0.0, start_s + number / fps - time.monotonic()))
        hub.publish(frame)


def main() -> None:
    """Serve until killed."""
    port, fps, size_bytes = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    config = Config.model_validate(
        {"mjpeg_server": {"fps": fps, "port": port}, "http": {"max_viewers": VIEWERS_MAX}, "node": {"id": "bench"}}
    )
    hub = FrameHub()
    frames = frames_of(size_bytes, config.ring.quality)
    server = WebServer(
        config,
        Inbox(),
        hub,
        EmptyPictureStore(),
        SystemClock(),
        ImageTasks(TaskProcess().run),
        {"id": "bench", "name": "bench", "version": "0"},
    )
    server.start()
    publish(hub, frames, fps)


if __name__ == "__main__":
    main()
