"""What a viewer of live video costs, beside bare PyAV on the same pictures, and how soon the first picture is there."""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np
import simplejpeg

from benchmarks import accounting, film
from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say

# A key frame a second, as the node's; pictures that the reference encodes.
KEY_EVERY, PICTURES = film.FPS, 6 * film.FPS
QUALITY, SETTLE_S = 85, 4.0
# The encoder is gone so long after the last request.
GONE_S = 20.0
LOOK_S = 0.5


def live(bench: Bench) -> Iterator[Result]:
    """Measure processor time a frame, and the time from the first request to the first segment."""
    if find_spec("av") is None:
        yield from (Result(bar, missing="PyAV is not installed") for bar in ("live-cpu", "live-first"))
        return
    node, ours, beside, first_s = bench.node, [], [], []
    node.release()
    for number in range(bench.rounds):
        say(f"live: round {number + 1} of {bench.rounds}")
        without = _per_frame_ms(node.pid, bench.window_s)
        viewer = _Viewer(node.port)
        first_s.append(viewer.start())
        time.sleep(SETTLE_S)
        ours.append(_per_frame_ms(node.pid, bench.window_s) - without)
        viewer.stop()
        beside.append(_bare_ms(bench))
        time.sleep(GONE_S)
    node.hold()
    yield ratios("live-cpu", ours, beside)
    yield Result("live-first", first_s, figures=first_s)


class _Viewer:
    """Asks as a player does: the playlist twice a second, and each segment once."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/hls/"
        self._seen: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> float:
        """Begin; return the seconds until the first segment is here."""
        at_s = time.monotonic()
        self._look()
        took_s = time.monotonic() - at_s
        self._thread.start()
        return took_s

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        for name in re.findall(r"^main-.*m4s$", self._get("main.m3u8").decode(), re.MULTILINE):
            if name not in self._seen:
                self._seen.add(name)
                self._get(name)

    def _get(self, name: str) -> bytes:
        with urllib.request.urlopen(self._url + name, timeout=30) as answer:
            return bytes(answer.read())


def _per_frame_ms(pid: int, seconds: float) -> float:
    at_s, before_s = time.monotonic(), accounting.cpu_s(pid)
    time.sleep(seconds)
    return (accounting.cpu_s(pid) - before_s) / (time.monotonic() - at_s) / film.FPS * 1000


def _bare_ms(bench: Bench) -> float:
    """Return processor time a frame to decode JPEGs and encode them as the node does."""
    import av  # noqa: PLC0415 - an extra

    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = film.WIDTH, film.HEIGHT, "yuvj420p"
    encoder.time_base, encoder.framerate = Fraction(1, film.FPS), Fraction(film.FPS, 1)
    encoder.options = {
        "preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "crf": "23", "threads": "1",
        "g": str(KEY_EVERY),
    }  # fmt: skip
    decoder: Any = av.CodecContext.create("mjpeg", "r")
    decoder.thread_count = 1
    jpegs = [_jpeg(bench, number) for number in range(PICTURES)]
    before_s = time.process_time()
    for number, jpeg in enumerate(jpegs):
        for frame in decoder.decode(av.Packet(jpeg)):
            frame.pict_type, frame.pts, frame.time_base = 0, number, encoder.time_base
            for packet in encoder.encode(frame):
                bytes(packet)
    return (time.process_time() - before_s) / PICTURES * 1000


def _jpeg(bench: Bench, number: int) -> bytes:
    with bench.film.open("rb") as file:
        file.seek(film.offset(number % film.PICTURES))
        pixels = np.frombuffer(file.read(film.PICTURE_BYTES), np.uint8)
    return bytes(simplejpeg.encode_jpeg_yuv_planes(*film.planes(pixels.copy()), QUALITY))
