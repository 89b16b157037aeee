"""CPU time and memory of the console with four browsers watching four cameras."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import simplejpeg

from benchmarks import accounting, film
from benchmarks.bars import Result
from benchmarks.bench import Bench, say
from benchmarks.node import Node
from benchmarks.program import ENVIRONMENT
from tests.support.running_console import Browser, RunningConsole

CAMERAS = VIEWERS = 4
# A kiosk view of 2 x 2 cameras on a screen 1280 pixels wide; see kiosk.js.
FPS, WIDTH_PX = 5, 640
QUALITY = 72
SETTLE_S, PATIENCE_S = 5.0, 60.0
# Third-party libraries of the console.
LIBRARIES = (
    "aiohttp.web", "jinja2", "paho.mqtt.client", "pydantic", "yaml", "sqlite3", "cryptography.x509", "simplejpeg",
)  # fmt: skip
IMPORT = """
import importlib, sys
for name in sys.argv[1:]: importlib.import_module(name)
print(open("/proc/self/status").read())
"""


def console(bench: Bench) -> Iterator[Result]:
    """Watch four cameras in four browsers over one socket each, as in a 2 x 2 kiosk view."""
    cpu, memory, served = [], [], []
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(Node(bench.subfolder("console-nodes"), bench.broker_port, f"file:{bench.film}"))
            for _ in range(CAMERAS)
        ]
        names = [node.root.rpartition("/")[2] for node in nodes]
        running = stack.enter_context(RunningConsole(bench.subfolder("console"), bench.broker_port))

        async def visit(browser: Browser) -> None:
            await browser.until(
                "/api/nodes", lambda body: {one["id"] for one in body["nodes"]} >= set(names), "the nodes"
            )
            counts = [0] * VIEWERS
            tasks = [asyncio.create_task(_watch(browser, names, counts, one)) for one in range(VIEWERS)]
            await asyncio.sleep(SETTLE_S)
            for number in range(bench.rounds):
                say(f"console: round {number + 1} of {bench.rounds}")
                at_s, before_s, taken = time.monotonic(), accounting.cpu_s(running.pid), min(counts)
                await asyncio.sleep(bench.window_s)
                took_s = time.monotonic() - at_s
                cpu.append((accounting.cpu_s(running.pid) - before_s) / took_s * 100)
                served.append((min(counts) - taken) / took_s / CAMERAS)
                memory.append(accounting.rss_mib(running.pid))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        running.visit(visit)
    fps: dict[str, float | str] = {"pictures a second of each camera, slowest viewer": min(served)}
    yield Result("console-cpu", cpu, [_scaling_pct(bench) for _ in range(bench.rounds)], cpu, fps)
    yield Result("console-memory", memory, [_import_mib() for _ in range(bench.rounds)], memory)


async def _watch(browser: Browser, cameras: list[str], counts: list[int], viewer: int) -> None:
    """Receive the messages of a live socket, and count the pictures."""
    async with browser.session.ws_connect("/live", max_msg_size=0) as socket:
        await socket.send_json({"cameras": {name: {"fps": FPS, "width": WIDTH_PX} for name in cameras}})
        async for message in socket:
            counts[viewer] += isinstance(message.data, bytes)


def _scaling_pct(bench: Bench) -> float:
    """Return the percentage of a core for halving the size of all pictures, once each for all viewers."""
    with bench.film.open("rb") as file:
        file.seek(film.offset(0))
        pixels = np.frombuffer(file.read(film.PICTURE_BYTES), np.uint8).copy()
    jpeg = bytes(simplejpeg.encode_jpeg_yuv_planes(*film.planes(pixels), 85))
    times = 3 * CAMERAS * FPS
    before_s = time.process_time()
    for _ in range(times):
        small = simplejpeg.decode_jpeg(
            jpeg, "BGR", fastdct=True, fastupsample=True, min_width=film.WIDTH // 2, min_height=1
        )
        simplejpeg.encode_jpeg(small, QUALITY, "BGR", "420", fastdct=True)
    return (time.process_time() - before_s) / times * CAMERAS * FPS * 100


def _import_mib() -> float:
    """Return the memory of an interpreter that imported the same libraries, in MiB."""
    command = [sys.executable, "-c", IMPORT, *LIBRARIES]
    status = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True, timeout=60).stdout
    line = next(line for line in io.StringIO(status) if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
