"""CPU time and memory, compared with the floor and with `motion`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from statistics import median

from benchmarks import accounting, film, libraries, motion
from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.motion import Motion
from benchmarks.program import Program

IDLE_FPS = 2.0
VIEWERS = (1, 4, 16)
# Least share of the frames that every viewer must receive for a valid figure.
SERVED_LEAST = 0.95
MOTION_FILLS_S = 36.0


def memory(bench: Bench) -> Iterator[Result]:
    """Measure memory with 300 frames kept, in the node and in `motion`."""
    if motion.version() is None:
        yield Result("memory", [_pss(bench.node)], missing=motion.MISSING)
        return
    with Motion(bench.folder, bench.film, pre_capture=300) as peer:
        node = bench.node
        node.release()
        say("memory: waiting for motion's ring")
        time.sleep(max(0.0, peer.began_s + MOTION_FILLS_S - time.monotonic()))
        rounds = [(_pss(node), _pss(peer)) for _ in range(3)]
        node.hold()
        ring_mib = node.ask("health")[1]["ring_mib"]
        alone = libraries.memory_mib(*(libraries.loaded_by(modules) for modules in (libraries.NODE, libraries.CAMERA)))
        share = {
            "of the camera's process, MiB": accounting.pss_mib(accounting.tree(node.pid)[1]),
            "of the pictures, MiB": ring_mib,
            "two interpreters that import the same libraries, MiB": alone,
        }
    yield ratios("memory", [ours for ours, _ in rounds], [theirs for _, theirs in rounds], **share)


def _pss(program: Program) -> float:
    time.sleep(0.5)
    return accounting.pss_mib(program.pid)


def cpu(bench: Bench) -> Iterator[Result]:
    """Measure CPU time per frame without viewers, compared with the floor, and with two processes."""
    node, ours, beside, pairs = bench.node, [], [], []
    arguments = (str(bench.film), str(film.FPS))
    with (
        Program([sys.executable, "-m", "benchmarks.floor", *arguments]) as floor,
        Program([sys.executable, "-m", "benchmarks.pair", *arguments]) as pair,
    ):
        time.sleep(3)
        floor.hold()
        pair.hold()
        for number in range(bench.rounds):
            say(f"cpu: round {number + 1} of {bench.rounds}")
            ours.append(_per_frame(node, bench))
            beside.append(_per_frame(floor, bench))
            pairs.append(_per_frame(pair, bench))
    of_pair = [one / other for one, other in zip(pairs, beside, strict=True)]
    notes = {"a bare pair of processes, ms": median(pairs), "the pair to the floor": median(of_pair)}
    yield ratios("cpu", ours, beside, **notes)


def idle(bench: Bench) -> Iterator[Result]:
    """Measure CPU time at a fifth of the rate."""
    node, slow, fast = bench.node, [], []
    for number in range(bench.rounds):
        say(f"idle: round {number + 1} of {bench.rounds}")
        fast.append(node.cpu_ms_per_second(bench.window_s)[0] / 10)
        node.pace(IDLE_FPS)
        time.sleep(1)
        before_s, at_s = accounting.cpu_s(node.pid), time.monotonic()
        time.sleep(bench.window_s)
        slow.append((accounting.cpu_s(node.pid) - before_s) / (time.monotonic() - at_s) * 100)
        node.hold()
    fair = [one * IDLE_FPS / film.FPS for one in fast]
    above = [one - other for one, other in zip(slow, fair, strict=True)]
    yield Result("idle", slow, fair, above, {"% of a core at 10 fps": median(fast)})


def viewers(bench: Bench) -> Iterator[Result]:
    """Measure CPU time per frame with viewers, compared with `motion`."""
    costs: dict[str, list[float]] = {}
    programs: dict[str, Program] = {"node": bench.node}
    if motion.version() is None:
        for _ in range(bench.rounds):
            costs.setdefault("node, 16", []).append(_per_frame(bench.node, bench, 16))
        yield Result("viewers", costs["node, 16"], missing=motion.MISSING)
        return
    with Motion(bench.folder, bench.film) as peer:
        programs["motion"] = peer
        time.sleep(5)
        peer.hold()
        for number in range(bench.rounds):
            say(f"viewers: round {number + 1} of {bench.rounds}")
            for count in (0, *VIEWERS):
                for name, program in programs.items():
                    costs.setdefault(f"{name}, {count}", []).append(_per_frame(program, bench, count))
    notes: dict[str, float | str] = {f"{name} viewers, ms": median(values) for name, values in costs.items()}
    yield ratios("viewers", costs["node, 16"], costs["motion, 16"], **notes)


def _per_frame(program: Program, bench: Bench, count: int = 0) -> float:
    """Return the CPU time in ms per camera frame.

    Raises:
        RuntimeError: A viewer did not receive the frames, so the figure is not valid.
    """
    cost_ms, fps = program.cpu_ms_per_second(bench.window_s, viewers=count)
    if count and fps < SERVED_LEAST * film.FPS:
        raise RuntimeError(f"one of {count} viewers got {fps:.1f} of {film.FPS} pictures a second")
    return cost_ms / film.FPS
