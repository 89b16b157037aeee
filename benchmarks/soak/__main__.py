"""Command line of the soak test: runs the node for hours under faults and evaluates the records.

`python -m benchmarks.soak --hours 2 [--out build/soak]`, or `scripts/soak`; `--judge FOLDER` evaluates records again,
also of a running soak. Exit code 0: passed; 1: failed; 2: requirements are missing; 3: too short for a result.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.soak import ending
from benchmarks.soak.course import Course, say
from benchmarks.soak.load import Load
from benchmarks.soak.mqtt_probe import MqttProbe
from benchmarks.soak.records import Records, read
from benchmarks.soak.report import as_text
from benchmarks.soak.rig import Rig
from benchmarks.soak.schedule import GROUPS, schedule
from benchmarks.soak.tools import missing, tool
from benchmarks.soak.verdict import judge

# Time before the first fault, for the start of the node, and after the last, for its recovery.
QUIET_S = (20.0, 90.0)
RECORDS = "records.jsonl"
EXIT = {"held": 0, "FAILED": 1, "too short to tell": 3}


def soak(length_s: float, seed: int, out: Path, without: tuple[str, ...]) -> None:
    """Run a soak test; writes its records and logs to ``out``."""
    quiet_s = QUIET_S if length_s > 4 * sum(QUIET_S) else (15.0, 15.0)
    plan = list(schedule(seed, quiet_s[0], length_s - quiet_s[1], without))
    say(f"{length_s / 3600:g} h, {len(plan)} faults, seed {seed}; records in {out}")
    out.mkdir(parents=True, exist_ok=True)
    records = Records(out / RECORDS)
    try:
        with Rig(out, without) as rig:
            probe = MqttProbe(rig.broker.port, records)
            load = Load(probe, rig.http_port, records, seed)
            load.start()
            try:
                lives = Course(rig, records, plan, length_s).run()
            finally:
                load.stop()
                probe.close()
            if lives:
                ending.look(rig, records)
        ending.look_at_log(out / "node.log", records)
    finally:
        records.close()


def conclude(out: Path) -> int:
    """Evaluate the records in a folder, write and print the verdict; return the exit code."""
    verdict = judge(read(out / RECORDS), tool("soak").theil_sen)
    (out / "verdict.json").write_text(json.dumps({"verdict": verdict.word, **asdict(verdict)}, indent=1) + "\n")
    text = as_text(verdict)
    (out / "verdict.txt").write_text(text + "\n")
    say(text)
    return EXIT[verdict.word]


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0, help="how long, the default is 2")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule of faults and of the commands")
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="folder for records, logs and verdict")
    parser.add_argument("--without", action="append", choices=GROUPS, default=[], help="leave a group of faults out")
    parser.add_argument("--judge", type=Path, metavar="FOLDER", help="only judge the records of this soak again")
    arguments = parser.parse_args()
    without = tuple(arguments.without)
    if lacks := missing(set(GROUPS) - set(without)):
        say("soak: these are missing:\n  " + "\n  ".join(lacks))
        return 2
    if arguments.judge:
        return conclude(arguments.judge)
    # Broker, node and file system must be cleaned up also after SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    out = arguments.out.resolve()
    soak(arguments.hours * 3600, arguments.seed, out, without)
    return conclude(out)


if __name__ == "__main__":
    sys.exit(main())
