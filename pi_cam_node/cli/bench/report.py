"""Report of measurements and advice, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.units import MIB
from pi_cam_node.cli.bench.advice import (
    FRAMES_SHARE,
    VIEWERS_SHARE,
    Advice,
    Board,
    FrameCost,
    ViewerCost,
    affordable_hz,
    held_hz,
    ring_seconds,
)

HEAD = ("size", "camera", "luma", "JPEG", "rest", "keeps up", "advised", "JPEG", "ring")
UNITS = ("px", "ms", "ms", "ms", "ms", "Hz", "Hz", "kB", "s")
SYNTHETIC = (
    "The synthetic camera draws its pictures, which is counted as camera, and those of a real one are about twice as\n"
    "long in bytes: --config FILE measures your own."
)


@frozen
class BenchResult:
    """Result of a measurement.

    Attributes:
        board: The machine.
        title: The camera's description.
        costs: Cost of a frame, in ascending order of size.
        viewer: Cost of a viewer.
        advice: The suggested settings.
        wanted_hz: The configured frame rate.
    """

    board: Board
    title: str
    costs: Sequence[FrameCost]
    viewer: ViewerCost
    advice: Advice
    wanted_hz: float


def lines(found: BenchResult) -> Iterator[str]:
    """Yield the lines of the report as text."""
    board, viewer = found.board, found.viewer
    yield f"{board.model}, {board.cores} cores, {board.available_bytes // MIB} MiB free; camera: {found.title}"
    yield ""
    yield "Processor time of a frame, the rates it allows, and how far back the ring reaches at the advised one:"
    yield _columns(HEAD)
    yield _columns(UNITS)
    for cost in found.costs:
        yield _row(board, cost, found.wanted_hz)
    yield ""
    yield f"A viewer costs {viewer.picture_us:.0f} µs for each picture of {viewer.jpeg_bytes / 1000:.0f} kB."
    if found.title == "synthetic":
        yield SYNTHETIC
    yield ""
    yield "Suggested settings:"
    yield ""
    yield from settings(found.advice)


def _columns(cells: Sequence[str]) -> str:
    return f"{cells[0]:>12}" + "".join(f"{cell:>9}" for cell in cells[1:])


def _row(board: Board, cost: FrameCost, wanted_hz: float) -> str:
    width, height = cost.size
    rest_ms = cost.node_ms - cost.luma_ms - cost.encode_ms
    advised_hz = min(wanted_hz, affordable_hz(cost, board.cores))
    seconds = ring_seconds(cost, advised_hz, board.available_bytes)
    times = (f"{ms:.2f}" for ms in (cost.camera_ms, cost.luma_ms, cost.encode_ms, rest_ms))
    rates = (f"{held_hz(cost, board.cores):.1f}", f"{advised_hz:.1f}")
    return _columns([f"{width} x {height}", *times, *rates, f"{cost.jpeg_bytes / 1000:.0f}", f"{seconds:.0f}"])


def settings(advice: Advice) -> Iterator[str]:
    """Yield the suggested settings as YAML to paste."""
    yield "camera:"
    yield f"  width: {advice.size[0]}"
    yield f"  height: {advice.size[1]}"
    yield f"  framerate: {advice.framerate:g}  # {advice.frames_share:.0%} of one core, {FRAMES_SHARE:.0%} at most"
    yield "ring:"
    yield f"  size: {advice.ring_frames}  # {advice.ring_seconds:.0f} s, as long as pictures are like these"
    yield f"  max_bytes: {advice.ring_bytes}  # {advice.ring_bytes // MIB} MiB"
    yield "http:"
    yield f"  max_viewers: {advice.viewers}  # {VIEWERS_SHARE:.0%} of one core at most"


def as_json(found: BenchResult) -> dict[str, Any]:
    """Return the report as a JSON object."""
    cores = found.board.cores
    rates = [{"held_hz": held_hz(cost, cores), "affordable_hz": affordable_hz(cost, cores)} for cost in found.costs]
    sizes = [{**asdict(cost), **rate} for cost, rate in zip(found.costs, rates, strict=True)]
    return {**asdict(found), "costs": sizes}
