"""Runs the node for hours under faults and judges what came of it.

`python -m benchmarks.soak --hours 2 [--out build/soak]`, or `scripts/soak`; `--judge FOLDER` judges records again,
also those of a soak that still runs. Exit code 0: it held; 1: it did not; 2: something is missing here; 3: too short to
tell.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import psutil

from benchmarks.soak import ending, faults, samples
from benchmarks.soak.ear import Ear
from benchmarks.soak.load import Load
from benchmarks.soak.records import Records, read
from benchmarks.soak.report import as_text
from benchmarks.soak.rig import Rig
from benchmarks.soak.schedule import GROUPS, Fault, schedule
from benchmarks.soak.tools import missing, tool
from benchmarks.soak.verdict import judge

QUIET_S = (20.0, 60.0)
"""Before the first fault, so that the node has started, and after the last, so that it can come back."""
TURN_S = 0.2
PROGRESS_S = 60.0
RECORDS = "records.jsonl"
EXIT = {"held": 0, "FAILED": 1, "too short to tell": 3}


class Soak:
    """The loop: faults when they are due, a sample now and then, a line of progress a minute."""

    def __init__(self, rig: Rig, records: Records, plan: list[Fault], length_s: float) -> None:
        self._rig = rig
        self._records = records
        self._plan = plan
        self._length_s = length_s
        self._caused = 0
        self._current: tuple[Fault, float, faults.Ending] | None = None

    def run(self) -> bool:
        """Return when the time is over, ``False`` where the node ended before."""
        sample_s = progress_s = 0.0
        try:
            while (now_s := self._records.now_s) < self._length_s:
                self._cause(now_s)
                if now_s >= sample_s:
                    sample_s = now_s + samples.EVERY_S
                    if not samples.take(self._rig, self._records):
                        say("the node is gone")
                        return False
                if now_s >= progress_s:
                    progress_s = now_s + PROGRESS_S
                    self._say_progress(now_s)
                time.sleep(TURN_S)
        finally:
            self._end_fault()
        return True

    def _cause(self, now_s: float) -> None:
        """End the fault that has lasted long enough, and begin the one that is due."""
        if self._current is not None and now_s >= self._current[1] + self._current[0].lasts_s:
            self._end_fault()
        if self._current is None and self._plan and now_s >= self._plan[0].at_s:
            fault = self._plan.pop(0)
            end = faults.begin(self._rig, fault)
            if end is None:
                self._records.add("not caused", kind=fault.kind)
            else:
                self._current = (fault, now_s, end)

    def _end_fault(self) -> None:
        if self._current is None:
            return
        (fault, began_s, end), self._current = self._current, None
        end()
        times = {"began": round(began_s, 3), "ended": round(self._records.now_s, 3)}
        self._records.add("fault", kind=fault.kind, argument=fault.argument, **times)
        self._caused += 1

    def _say_progress(self, now_s: float) -> None:
        try:
            node = samples.of(self._rig.node)
        except psutil.NoSuchProcess:
            return
        doing = self._current[0].kind if self._current else "no fault"
        took = f"{node['pss_mib']:.1f} MiB, {node['fds']} fds, {node['threads']} threads, {node['cpu_s']:.0f} CPU s"
        say(f"{now_s / 60:5.1f} of {self._length_s / 60:.0f} min, {self._caused} faults; node {took}; {doing}")


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def soak(length_s: float, seed: int, out: Path, without: tuple[str, ...]) -> None:
    """Run a soak; its records and logs are in ``out`` afterwards."""
    quiet_s = QUIET_S if length_s > 4 * sum(QUIET_S) else (15.0, 15.0)
    plan = list(schedule(seed, quiet_s[0], length_s - quiet_s[1], without))
    say(f"{length_s / 3600:g} h, {len(plan)} faults, seed {seed}; records in {out}")
    out.mkdir(parents=True, exist_ok=True)
    records = Records(out / RECORDS)
    try:
        with Rig(out, without) as rig:
            ear = Ear(rig.broker.port, records)
            load = Load(ear, rig.http_port, records, seed)
            load.start()
            try:
                lives = Soak(rig, records, plan, length_s).run()
            finally:
                load.stop()
                ear.close()
            if lives:
                ending.look(rig, records)
        records.add("tracebacks", count=(out / "node.log").read_text(errors="replace").count("Traceback (most recent"))
    finally:
        records.close()


def conclude(out: Path) -> int:
    """Judge the records in a folder, write and print the verdict, and return the exit code."""
    verdict = judge(read(out / RECORDS), tool("soak").theil_sen)
    (out / "verdict.json").write_text(json.dumps({"verdict": verdict.word, **asdict(verdict)}, indent=1) + "\n")
    text = as_text(verdict)
    (out / "verdict.txt").write_text(text + "\n")
    say(text)
    return EXIT[verdict.word]


def main() -> int:
    """Do what the command line says."""
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
    out = arguments.out.resolve()
    soak(arguments.hours * 3600, arguments.seed, out, without)
    return conclude(out)


if __name__ == "__main__":
    sys.exit(main())
