"""Command line of ``pi-cam-node bench``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence

from pi_cam_node.base.errors import NodeError, SourceError
from pi_cam_node.cli.bench import report, viewers
from pi_cam_node.cli.bench.advice import Board, FrameCost, Size, advise
from pi_cam_node.cli.bench.frames import FramePath, frame_path
from pi_cam_node.cli.main import BAD_USE, load
from pi_cam_node.cli.options import file_path, seconds_up_to
from pi_cam_node.config import Config
from pi_cam_node.runtime.startup import doubt_of_privacy, remembered
from pi_cam_node.runtime.state_files import state_files
from pi_cam_node.system.memory import available_bytes
from pi_cam_node.system.metrics import board_model

SIZES: tuple[Size, ...] = ((640, 480), (1024, 768), (1280, 960), (1920, 1080))
SECONDS, SECONDS_MAX = 4.0, 3600.0
# No further size is begun after this, so that a slow board is done within two minutes.
LAST_SIZE_S = 60.0


def main(arguments: Sequence[str]) -> int:
    """Measure and report; return 1 where the camera delivers no frames, else 0."""
    parser = argparse.ArgumentParser(
        prog="pi-cam-node bench",
        description="Measure what this board can hold, in under two minutes, and suggest settings. Leave it alone "
        "meanwhile, and stop a node that has the camera.",
    )
    parser.add_argument(
        "--config", type=file_path, metavar="FILE", help="measure its camera; without it the synthetic one"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--seconds",
        type=seconds_up_to(SECONDS_MAX),
        default=SECONDS,
        metavar="S",
        help="how long each size is measured (default: 4)",
    )
    options = parser.parse_args(arguments)
    config = Config.model_validate({"camera": {"source": "synthetic"}})
    if options.config is not None:
        loaded = load(options.config)
        if loaded is None:
            return BAD_USE
        private = state_files(loaded.path, os.environ).private
        if doubt := doubt_of_privacy(loaded, private):
            _print_progress(f"whether privacy is on cannot be told ({doubt}); the camera is left alone")
            return 1
        config = remembered(loaded, private).config
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        _measure(config, options.seconds, as_json=options.json)
    except NodeError as error:
        print(f"pi-cam-node bench: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(config: Config, seconds: float, *, as_json: bool) -> None:
    board = Board(board_model(), os.cpu_count() or 1, available_bytes())
    with frame_path(config) as path:
        costs = sorted(_costs(path, config, seconds), key=lambda cost: cost.size)
        title, frame = path.title, path.latest
    if frame is None:
        raise SourceError("no size could be measured")
    _print_progress("viewers")
    viewer = viewers.measure(frame, seconds)
    advice = advise(board, costs, viewer, config)
    found = report.BenchResult(board, title, costs, viewer, advice, config.camera.framerate)
    print(json.dumps(report.as_json(found), indent=1) if as_json else "\n".join(report.lines(found)))


def _costs(path: FramePath, config: Config, seconds: float) -> Iterator[FrameCost]:
    """Yield the cost of each size, the configured one first; a camera with a fixed size is measured once."""
    wanted = (config.camera.width, config.camera.height)
    began_s, seen = time.monotonic(), set[Size]()
    for size in (wanted, *(size for size in SIZES if size != wanted)):
        if seen and time.monotonic() - began_s > LAST_SIZE_S:
            _print_progress(f"{size[0]} x {size[1]}: left out, to be done in time")
            continue
        _print_progress(f"{size[0]} x {size[1]}")
        try:
            cost = path.measure(size, seconds)
        except SourceError as error:
            if not seen:
                raise
            _print_progress(f"{size[0]} x {size[1]}: left out: {error}")
            continue
        if cost.size in seen:
            _print_progress("the camera has a size of its own")
            return
        seen.add(cost.size)
        yield cost


def _print_progress(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
