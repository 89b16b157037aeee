"""Cost of recording, compared with encoding alone, and with an ffmpeg that is fed through a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import accounting, film, h264
from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.hls_viewer import GONE_S, HlsViewer
from benchmarks.node import Node
from tests.support.rtsp_server import RtspServer, why_not

# Time for starting the encoder and encoding the pre-roll.
SETTLE_S = 4.0
CLIP_S = 3.0
SERVER = Path(__file__).parents[1] / "rtsp_film.py"
# Number of windows, as the cost of a copy is smaller than the precision of one.
COPY_WINDOWS = 3


@dataclass(slots=True)
class _Rounds:
    """Figures of all rounds: ms per frame, and MiB."""

    more: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    mib_before: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    piped: list[float] = field(default_factory=list)


def record(bench: Bench) -> Iterator[Result]:
    """Record a film by hand: alone, and with a live viewer and a clip at the same time."""
    if not h264.has_av():
        names = ("record-av", "record-pipe", "record-watched", "record-memory")
        yield from (Result(bar, missing=h264.MISSING) for bar in names)
        return
    rounds, node = _Rounds(), bench.node
    node.release()
    time.sleep(SETTLE_S)
    for number in range(bench.rounds):
        say(f"record: round {number + 1} of {bench.rounds}")
        _one_round(bench, node, rounds)
        rounds.bare.append(h264.bare_ms(bench.film))
        if h264.has_ffmpeg():
            rounds.piped.append(h264.piped_ms(bench.film, bench.folder))
        time.sleep(GONE_S)
    node.hold()
    yield ratios("record-av", rounds.more, rounds.bare)
    if rounds.piped:
        yield ratios("record-pipe", rounds.more, rounds.piped)
    else:
        yield Result("record-pipe", rounds.more, missing="ffmpeg is not installed")
    yield ratios("record-watched", rounds.watched, rounds.alone)
    more_mib = [one - other for one, other in zip(rounds.mib, rounds.mib_before, strict=True)]
    yield Result("record-memory", rounds.mib, rounds.mib_before, more_mib)


def _one_round(bench: Bench, node: Node, rounds: _Rounds) -> None:
    without = node.cpu_ms_per_frame(bench.window_s)
    rounds.mib_before.append(accounting.pss_mib(node.pid))
    node.ask("record", state="on")
    time.sleep(SETTLE_S)
    alone = node.cpu_ms_per_frame(bench.window_s)
    rounds.mib.append(accounting.pss_mib(node.pid))
    viewer = HlsViewer(node.port)
    viewer.start()
    at_s, before_s = time.monotonic(), accounting.cpu_s(node.pid)
    node.ask("clip", before_s=CLIP_S)
    time.sleep(bench.window_s)
    spent_s = accounting.cpu_s(node.pid) - before_s
    rounds.watched.append(spent_s / (time.monotonic() - at_s) / film.FPS * 1000)
    viewer.stop()
    node.ask("record", state="off")
    rounds.alone.append(alone)
    rounds.more.append(alone - without)


def copy(bench: Bench) -> Iterator[Result]:
    """Record a network camera by copying its packets, compared with decoding them."""
    missing = h264.MISSING if not h264.has_av() else why_not()
    if missing:
        yield Result("copy", missing=missing)
        return
    more, beside, window_s = [], [], COPY_WINDOWS * bench.window_s
    packets = h264.write_packets(bench.film, bench.folder / "film.h264")
    with (
        RtspServer("--packets", str(packets), "--fps", str(film.FPS), script=SERVER) as camera,
        Node(bench.subfolder("copy"), bench.broker_port, camera.url) as node,
    ):
        for number in range(bench.rounds):
            say(f"copy: round {number + 1} of {bench.rounds}")
            time.sleep(SETTLE_S)
            without = node.cpu_ms_per_frame(window_s)
            node.ask("record", state="on")
            time.sleep(SETTLE_S)
            more.append(node.cpu_ms_per_frame(window_s) - without)
            node.ask("record", state="off")
            beside.append(h264.decode_ms(camera.url))
    yield ratios("copy", more, beside)
