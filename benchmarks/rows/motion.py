"""Cost of motion detection, and of a node that is set to record motion while there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks import film, h264
from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.node import Node

SETTLE_S = 3.0
# Size of the node's small luma picture.
SMALL_PX = (film.WIDTH // 4, film.HEIGHT // 4)
HISTORY, THRESHOLD = 300, 16
# Number of windows, as the difference between idle and armed is smaller than the precision of one.
ARMED_WINDOWS = 3
MOTION = {"idle_fps": film.FPS, "active_fps": film.FPS}


def motion(bench: Bench) -> Iterator[Result]:
    """Switch detection, then recording, on and off with a film without movement.

    Detection analyses every picture here instead of two per second, to make its cost measurable.
    """
    still = film.make(bench.folder / "still.y4m", still=True)
    on, beside, armed, unarmed = [], [], [], []
    with Node(bench.subfolder("motion"), bench.broker_port, f"file:{still}", motion=dict(MOTION)) as node:
        for number in range(bench.rounds):
            say(f"motion: round {number + 1} of {bench.rounds}")
            without = _settled(node, bench.window_s)
            node.ask("set", key="motion.enable", value=True)
            on.append(_settled(node, bench.window_s) - without)
            node.ask("set", key="motion.enable", value=False)
            beside.append(bare_ms(bench))
        if h264.has_av():
            node.ask("set", key="motion.idle_fps", value=2)
            node.ask("set", key="motion.enable", value=True)
            for number in range(bench.rounds):
                say(f"motion, armed: round {number + 1} of {bench.rounds}")
                unarmed.append(_settled(node, ARMED_WINDOWS * bench.window_s))
                node.ask("set", key="recording.mode", value="motion")
                armed.append(_settled(node, ARMED_WINDOWS * bench.window_s))
                node.ask("set", key="recording.mode", value="off")
    yield ratios("motion-cpu", on, beside)
    yield ratios("motion-armed", armed, unarmed) if armed else Result("motion-armed", missing=h264.MISSING)


def _settled(node: Node, seconds: float) -> float:
    time.sleep(SETTLE_S)
    return node.cpu_ms_per_frame(seconds)


def bare_ms(bench: Bench) -> float:
    """Return the CPU time per picture in ms of OpenCV's background subtraction alone on the small luma picture."""
    cv2.setNumThreads(1)
    with bench.film.open("rb") as file:
        pictures = []
        for number in range(film.PICTURES):
            file.seek(film.offset(number))
            luma = np.frombuffer(file.read(film.PICTURE_BYTES), np.uint8)[: film.WIDTH * film.HEIGHT]
            whole = luma.reshape(film.HEIGHT, film.WIDTH)
            pictures.append(cv2.resize(whole, SMALL_PX, interpolation=cv2.INTER_AREA))
    subtractor = cv2.createBackgroundSubtractorMOG2(HISTORY, THRESHOLD, detectShadows=False)
    subtractor.apply(pictures[0])
    before_s = time.process_time()
    for picture in pictures:
        subtractor.apply(picture)
    return (time.process_time() - before_s) / len(pictures) * 1000
