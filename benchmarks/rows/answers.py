"""Response times of commands, compared with the bare work and an MQTT echo."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import mean, median, quantiles

from benchmarks import accounting, film
from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.command_client import CommandClient
from benchmarks.node import Node
from benchmarks.program import ENVIRONMENT, Program
from pi_cam_node.base.units import MIB

# Requests per round, and factor of rounds: many short ones, as the 99th percentile depends on other load.
ASKED, TIMES_ROUNDS = 500, 3
STACKED = {4: 12, 64: 4}
SAVED = 25
FRAME_MIB = film.WIDTH * film.HEIGHT * 3 / MIB


def get(bench: Bench) -> Iterator[Result]:
    """Measure `get` while frames arrive at full rate, and the echo as often."""
    node, port = bench.node, bench.broker_port
    node.release()
    ours, beside = [], []
    with (
        Program([sys.executable, "-m", "benchmarks.echo", str(port)]),
        CommandClient(port, "echo/reply", "echo/ready") as commands,
    ):
        commands.wait_for("echo/ready", 20)
        for number in range(TIMES_ROUNDS * bench.rounds):
            say(f"get: round {number + 1} of {TIMES_ROUNDS * bench.rounds}")
            beside.append([commands.ask("echo/ask", {"stage": "final"})[0] for _ in range(ASKED)])
            ours.append([node.ask("get", key="night.gain")[0] for _ in range(ASKED)])
    node.hold()
    yield ratios("get-p50", [median(times) for times in ours], [median(times) for times in beside])
    yield ratios("get-p99", [_p99(times) for times in ours], [_p99(times) for times in beside])


def _p99(times_ms: Sequence[float]) -> float:
    return quantiles(times_ms, n=100, method="inclusive")[98]


def past(bench: Bench) -> Iterator[Result]:
    """Measure `pastStack`, compared with decoding, adding, encoding and syncing the same number of frames.

    Both are measured warm: another stack is requested before the rounds, and reported as a separate figure. In the
    first row it also starts the image process.
    """
    node = bench.node
    node.release()
    time.sleep(8)  # so that the requested frames were captured at full rate
    for count, times in STACKED.items():
        first_ms = stack_ms(node, count)
        ours, beside = [], []
        for number in range(bench.rounds):
            say(f"pastStack {count}: round {number + 1} of {bench.rounds}")
            beside.append(bare_work(bench, count, times)["stack_ms"])
            ours.append(mean(stack_ms(node, count) for _ in range(times)))
        with_first = (first_ms + times * ours[0]) / (1 + times) / beside[0]
        notes = {"the first, before the rounds, ms": first_ms, "round 1 with it in the mean, ratio": with_first}
        yield ratios(f"past-{count}", ours, beside, **notes)
    node.hold()


def stack_ms(node: Node, count: int) -> float:
    """Return the time of a stack in ms."""
    return node.ask("pastStack", formats=["jpg"], count=count)[0]


def bare_work(bench: Bench, count: int, times: int) -> dict[str, float]:
    """Return mean times of the bare work: ``stack_ms``, ``encode_ms`` and ``sync_ms``."""
    folder = bench.subfolder("captures")
    command = [sys.executable, "-m", "benchmarks.work", str(bench.film), str(folder), str(count), str(times)]
    out = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=120).stdout
    return {name: float(value) for name, value in json.loads(out).items()}


def stackmemory(bench: Bench) -> Iterator[Result]:
    """Compare the peak memory of the node's process without a stack, and during its first stack.

    Each round uses a new node, as the heap keeps the memory of a stack.
    """
    folder = bench.subfolder("stack")
    quiet, busy = [], []
    for number in range(bench.rounds):
        say(f"memory of a stack: round {number + 1} of {bench.rounds}")
        with Node(folder, bench.broker_port, f"file:{bench.film}", ring={"size": 70}) as node:
            node.ask("save", formats=["jpg"])  # imports libraries that are loaded on first use
            node.fill(70)
            accounting.forget_peak(node.pid)
            time.sleep(1.0)
            quiet.append(accounting.peak_mib(node.pid))
            node.ask("pastStack", formats=["jpg"], count=64, at=0)
            busy.append(accounting.peak_mib(node.pid))
    more = [(one - other) / FRAME_MIB for one, other in zip(busy, quiet, strict=True)]
    yield Result("stackmemory", busy, quiet, more, {"a frame as BGR, MiB": FRAME_MIB})


def save(bench: Bench) -> Iterator[Result]:
    """Measure `save` with the synthetic camera; each is requested right after the reply to the previous one.

    That is the worst case: just after a frame. This camera reports its exposure of 10 ms, as real ones do; with a film
    the node must assume an exposure of the whole interval, and waits for the second frame.
    """
    folder = bench.subfolder("save")
    ours, beside = [], []
    with Node(folder, bench.broker_port, "synthetic") as node:
        for number in range(bench.rounds):
            say(f"save: round {number + 1} of {bench.rounds}")
            work = bare_work(bench, 4, 12)
            beside.append(1000 / film.FPS + work["encode_ms"] + work["sync_ms"] + 5)
            ours.append(median(node.ask("save", formats=["jpg"])[0] for _ in range(SAVED)))
    yield ratios("save", ours, beside)
