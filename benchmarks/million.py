"""Measures response times of the console's pages with a million events.

``python -m benchmarks.million [--events 1000000]``. The database is filled before the console starts; each page is
requested repeatedly by a logged-in client.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.console.store.database import Database
from tests.support.broker import Mosquitto
from tests.support.running_console import Browser, RunningConsole

CAMERAS = ("porch", "hall", "garden", "shed")
KINDS = ("motion", "picture", "record", "interval", "rule")
# Time span of the events, within the 90 days for which events are kept.
SPAN_MS = 80 * 86_400_000
ROUNDS = 20
PAGES = (
    "/events",
    "/events?camera=porch",
    "/events?kind=motion",
    "/events?camera=hall&kind=record",
    "/events?sensor=front_door",
    "/api/events?limit=200",
    "/",
    "/events/1",
)


def rows(count: int) -> Iterator[tuple[object, ...]]:
    """Yield rows of events, oldest first."""
    now_ms = round(time.time() * 1000)
    for number in range(count):
        kind, camera = KINDS[number % len(KINDS)], CAMERAS[number // 7 % len(CAMERAS)]
        sensor = "front_door" if kind == "rule" else None
        at_ms = now_ms - SPAN_MS + SPAN_MS * number // count
        yield camera, f"e{number}", at_ms, kind, camera, sensor, None, f"p{number}", '{"zones": ["path"]}'


def fill(folder: Path, count: int) -> None:
    """Insert events into the database of a console that is not running."""
    database = Database(folder, SystemClock())
    database.open()
    columns = "node, id, at_ms, kind, camera, sensor, rule, media, data"
    insert = f"INSERT INTO event ({columns}) VALUES (?,?,?,?,?,?,?,?,?)"
    asyncio.run(database.run(lambda db: db.executemany(insert, rows(count)).rowcount))
    database.close()


async def measured(browser: Browser) -> list[tuple[str, float, float]]:
    """Return path, median and longest time of each page, in milliseconds."""
    results = []
    for path in PAGES:
        taken_ms = []
        for _ in range(ROUNDS):
            began_s = time.perf_counter()
            status, _ = await browser.get(path)
            assert status == 200, f"{path}: {status}"
            taken_ms.append(1000 * (time.perf_counter() - began_s))
        results.append((path, median(taken_ms), max(taken_ms)))
    return results


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="how many there are (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "broker").mkdir()
        with Mosquitto(folder / "broker") as broker:
            console = RunningConsole(folder / "console", broker.port)
            fill(console.base_dir, options.events)
            with console:
                for path, middle_ms, longest_ms in console.visit(measured):
                    sys.stdout.write(f"{path:36} median {middle_ms:6.1f} ms, longest {longest_ms:6.1f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
