"""What a viewer of the stream costs, beside a bare selectors loop of the same run.

`python -m benchmarks.streams [--seconds 8] [--viewers 1,16,64] [--rounds 2] [--json FILE]`; 10 pictures of 100 kB a
second, one viewer more that never reads. The reference is `../shared/tools/perf/mjpeg_fanout.py`, where it is there.
Processor time is that of the server's process, its timer and the making of frames included.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

FPS, JPEG_BYTES = 10, 100_000
REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "tools" / "perf" / "mjpeg_fanout.py"
SETTLE_S = 2.0
DELIMITER = b"--frame\r\n"

Figures = dict[str, float]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def cpu_s(pid: int) -> float:
    """Return the processor time of all threads of a process, to the nanosecond."""
    stats = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(stat.read_text().split()[0]) for stat in stats) / 1e9


def anonymous_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


@contextmanager
def server(kind: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    ours = [sys.executable, "-m", "benchmarks.streamed", str(port), str(FPS), str(JPEG_BYTES)]
    bare = [
        sys.executable,
        str(REFERENCE),
        "--role",
        "server",
        "selectors",
        str(port),
        str(FPS),
        str(JPEG_BYTES // 1000),
    ]
    process = subprocess.Popen(ours if kind == "stream" else bare)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def connect(port: int) -> socket.socket:
    deadline_s = time.monotonic() + 20
    while True:
        try:
            sock = socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)
        else:
            sock.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return sock


class Readers:
    """Viewers that take what comes, and some that take nothing."""

    def __init__(self, port: int, viewers: int, stalled: int) -> None:
        self._stalled = [connect(port) for _ in range(stalled)]
        self._sockets = {sock.fileno(): sock for sock in (connect(port) for _ in range(viewers))}
        self._parts = dict.fromkeys(self._sockets, 0)
        self._epoll = select.epoll()
        for number in self._sockets:
            self._epoll.register(number, select.EPOLLIN)

    def read(self, seconds: float) -> dict[int, int]:
        """Read for a while and return the number of pictures that began for each viewer in it."""
        before, buffer = dict(self._parts), bytearray(1 << 20)
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            for number, _event in self._epoll.poll(left_s):
                taken = self._sockets[number].recv_into(buffer)
                if not taken:
                    self._epoll.unregister(number)
                self._parts[number] += buffer.count(DELIMITER, 0, taken)
        return {number: self._parts[number] - before[number] for number in before}

    def close(self) -> None:
        """Hang up."""
        for sock in (*self._stalled, *self._sockets.values()):
            sock.close()


def measure(kind: str, viewers: int, seconds: float) -> Figures:
    port = free_port()
    with server(kind, port) as process:
        readers = Readers(port, viewers, stalled=1)
        readers.read(SETTLE_S)
        began_s, spent_s = time.monotonic(), cpu_s(process.pid)
        taken = readers.read(seconds)
        spent_s, took_s = cpu_s(process.pid) - spent_s, time.monotonic() - began_s
        figures = {
            "us_per_viewer_frame": spent_s / sum(taken.values()) * 1e6,
            "fps_least": min(taken.values()) / took_s,
            "fps_median": median(taken.values()) / took_s,
            "anonymous_mib": anonymous_mib(process.pid),
        }
        readers.close()
    return figures


def middle(rounds: list[Figures]) -> Figures:
    return {name: median(figures[name] for figures in rounds) for name in rounds[0]}


def table(results: dict[str, dict[str, Figures]]) -> str:
    lines = [
        "| viewers, one more stalled | CPU per viewer-frame | bare selectors | ratio | fps, least / median | MiB |",
        "|---|---|---|---|---|---|",
    ]
    for viewers, kinds in results.items():
        ours, bare = kinds["stream"], kinds.get("selectors")
        cost = ours["us_per_viewer_frame"]
        beside = (
            f"{bare['us_per_viewer_frame']:.1f} µs | {cost / bare['us_per_viewer_frame']:.2f}" if bare else "absent |"
        )
        fps = f"{ours['fps_least']:.2f} / {ours['fps_median']:.2f}"
        lines.append(f"| {viewers} | {cost:.1f} µs | {beside} | {fps} | {ours['anonymous_mib']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=8, help="how long processor time is counted")
    parser.add_argument("--viewers", default="1,16,64", help="how many, one row each")
    parser.add_argument("--rounds", type=int, default=2, help="the median of so many is shown")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    kinds = ["stream", "selectors"] if REFERENCE.exists() else ["stream"]
    results = {}
    for viewers in arguments.viewers.split(","):
        rounds = [
            {kind: measure(kind, int(viewers), arguments.seconds) for kind in kinds} for _ in range(arguments.rounds)
        ]
        results[viewers] = {kind: middle([figures[kind] for figures in rounds]) for kind in kinds}
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
