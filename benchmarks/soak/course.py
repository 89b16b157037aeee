"""Main loop of a soak test: causes scheduled faults, takes samples, and prints a line per minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import psutil

from benchmarks.soak import faults, samples
from benchmarks.soak.records import Records
from benchmarks.soak.rig import Rig
from benchmarks.soak.schedule import Fault

TURN_S = 0.2
PROGRESS_S = 60.0


class Course:
    """Executes a schedule of faults.

    Args:
        rig: The system under test.
        records: Receives faults and samples.
        plan: The faults, in order of time.
        length_s: Total duration in seconds.
    """

    def __init__(self, rig: Rig, records: Records, plan: Sequence[Fault], length_s: float) -> None:
        self._rig = rig
        self._records = records
        self._plan = deque(plan)
        self._length_s = length_s
        self._caused = 0
        self._current: tuple[Fault, float, faults.Ending] | None = None

    def run(self) -> bool:
        """Run for the whole duration; return ``False`` if the node ended before."""
        sample_s = progress_s = 0.0
        try:
            while (now_s := self._records.now_s) < self._length_s:
                self._cause(now_s)
                if now_s >= sample_s:
                    sample_s = now_s + samples.EVERY_S
                    if not samples.take(self._rig, self._records):
                        say("the node has ended")
                        return False
                if now_s >= progress_s:
                    progress_s = now_s + PROGRESS_S
                    self._say_progress(now_s)
                time.sleep(TURN_S)
        finally:
            self._end_fault()
        return True

    def _cause(self, now_s: float) -> None:
        """End a fault whose duration is over, and cause the one that is due."""
        if self._current is not None and now_s >= self._current[1] + self._current[0].lasts_s:
            self._end_fault()
        if self._current is None and self._plan and now_s >= self._plan[0].at_s:
            fault = self._plan.popleft()
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
    """Print a line without buffering."""
    print(line, flush=True)
