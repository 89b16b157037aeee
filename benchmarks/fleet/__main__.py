"""Command line of the load test of a fleet: ``scripts/fleet``; see docs/fleet.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine
from benchmarks.fleet.brokers import NAMES
from benchmarks.fleet.measure import Asked, Fleet, lines_of
from pi_cam_node.cli.demo.brokers import NoBrokerHere

RESULT = Path("build/fleet.json")


def main() -> int:
    """Run; return 0 if every node replied and fully recovered, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/fleet", description=__doc__)
    parser.add_argument("--broker", choices=NAMES, default="mosquitto")
    parser.add_argument("--real", type=int, default=4, help="real nodes (default 4)")
    parser.add_argument("--simulated", type=int, default=996, help="simulated nodes (default 996)")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the load phase (default 20)")
    parser.add_argument("--framerate", type=float, default=10.0, help="pictures a second of a real node (default 10)")
    options = parser.parse_args()
    if options.real < 1:
        parser.error("at least one real node is needed: the simulated ones repeat its messages")
    asked = Asked(options.broker, options.real, options.simulated, options.seconds, options.framerate)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        try:
            fleet = Fleet(asked, Path(folder), stack)
        except NoBrokerHere as error:
            print(error, file=sys.stderr)
            return 1
        try:
            figures = asyncio.run(fleet.run())
        except OSError as error:  # broker or nodes were too slow, or the broker closed a connection
            for log in sorted([*Path(folder).glob("real-*/log"), *Path(folder).glob("rabbitmq/log/*.log")]):
                print(f"--- {log.relative_to(folder)}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
            print(error, *lines_of(fleet.figures), sep="\n", file=sys.stderr)
            return 1
    print("\n".join(lines_of(figures)))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": machine.facts(), **figures}, indent=2) + "\n")
    is_whole = figures["answered"] == asked.nodes and figures["instant_answered"] == asked.real
    return 0 if is_whole and figures["consistent_s"] is not None else 1


if __name__ == "__main__":
    sys.exit(main())
