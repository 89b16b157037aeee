"""Counts calls of the package's own functions: per frame, message and command, and while the node is idle.

`python -m benchmarks.calls [--show TRIP] [--json FILE]` runs a node with a synthetic camera and its own broker for half
a minute and prints for each kind of trip (path of an input through the node) how often it occurred, and the most
frequent number of calls, functions and files. Comprehensions do not count; each step of a generator does. Unlike times,
counts hardly depend on the machine.

`python -m benchmarks.calls node OUT FILE` runs that node, which writes the counts when it ends.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pi_cam_node
from benchmarks import broker
from benchmarks.node import Node

PACKAGE = str(Path(pi_cam_node.__file__).parent)
COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
FRAMES_S, IDLE_S = 5.0, 20.0
TIMES = 5


@dataclass(frozen=True, slots=True)
class Trip:
    """One trip through the node, from the call of its first function to that function's return.

    Attributes:
        name: Kind of the input.
        begin_s: Monotonic time.
        called: Number of calls of each of the package's functions, by file and name, in the order of their first call.
    """

    name: str
    begin_s: float
    called: dict[str, int]

    @property
    def calls(self) -> int:
        """Number of calls."""
        return sum(self.called.values())

    @property
    def files(self) -> int:
        """Number of files that contain the functions."""
        return len({name.partition(":")[0] for name in self.called})


class Profile:
    """Function for `sys.setprofile` that counts the calls on each trip; shared by all threads.

    Args:
        first: Names of the trips, by the code of the function with which each begins.
        names: Code of a function on the trip that gets the input, and the name of that argument.
    """

    def __init__(self, first: dict[CodeType, str], names: dict[CodeType, str]) -> None:
        self._first, self._names = first, names
        self._local = threading.local()
        self.trips: list[Trip] = []

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Count a call; record a trip that has ended."""
        local, code = self._local, frame.f_code
        if event == "return" and getattr(local, "frame", None) is frame:
            local.frame = None
            self.trips.append(Trip(local.name, local.begin_s, {_place(c): count for c, count in local.called.items()}))
        elif event == "call" and code.co_filename.startswith(PACKAGE) and code.co_name not in COMPREHENSIONS:
            if getattr(local, "frame", None) is None:
                if code not in self._first:
                    return
                local.frame, local.name, local.called = frame, self._first[code], Counter()
                local.begin_s = time.monotonic()
            local.called[code] += 1
            if code in self._names:
                local.name = name_of(frame.f_locals[self._names[code]])


def _place(code: CodeType) -> str:
    return f"{code.co_filename.removeprefix(PACKAGE)[1:]}:{code.co_qualname}"


def name_of(message: object) -> str:
    """Return the name of a loop iteration of the node thread, from its input."""
    if message is None:
        return "turn: nothing came"
    return f"turn: {type(message).__name__} {getattr(message, 'verb', '')}".rstrip()


def run_counted(out: Path, file: Path) -> int:
    """Run a node with a configuration file, and write the counted trips; return the exit code."""
    from pi_cam_node.cli import run  # noqa: PLC0415 - the process that measures needs none of them
    from pi_cam_node.mqtt.connection.session import Session  # noqa: PLC0415
    from pi_cam_node.runtime.run_loop import RunLoop  # noqa: PLC0415
    from pi_cam_node.runtime.worker import Worker  # noqa: PLC0415

    first = {
        RunLoop.turn.__code__: "turn",
        Session._on_message.__code__: "mqtt: message",  # noqa: SLF001 - paho calls it
        Worker._outcome.__code__: "worker: job",  # noqa: SLF001 - a job, without the wait for it
    }
    profile = Profile(first, {RunLoop.step.__code__: "message"})
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        return run.main(["--config", str(file)])
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        out.write_text(json.dumps([asdict(trip) for trip in profile.trips]))


class CountedNode(Node):
    """The node whose calls are counted."""

    def command(self, file: Path) -> Sequence[str]:
        """Run it with a profile function; the counts are written beside the configuration file."""
        return ("-m", "benchmarks.calls", "node", str(file.with_suffix(".trips")), str(file))


@dataclass(slots=True)
class Counts:
    """Counted trips.

    Attributes:
        trips: The trips by name, in order of time.
        idle: Trips within `IDLE_S` without frames and commands.
    """

    trips: dict[str, list[Trip]]
    idle: list[Trip]

    def usual(self, name: str) -> Trip:
        """Return a trip of this name with the most frequent number of calls."""
        numbers = Counter(trip.calls for trip in self.trips[name])
        (calls, _), *_ = numbers.most_common(1)
        return next(trip for trip in self.trips[name] if trip.calls == calls)


@contextmanager
def running(folder: Path) -> Iterator[CountedNode]:
    """Run broker and node in a folder."""
    with broker.make(folder / "broker") as mosquitto, CountedNode(folder, mosquitto.port, "synthetic") as node:
        yield node


def measure(folder: Path, idle_s: float = IDLE_S) -> Counts:
    """Run a node in a folder and return the counts."""
    with running(folder) as node:
        time.sleep(FRAMES_S)
        for _ in range(TIMES):
            node.ask("get", key="camera.framerate")
            node.ask("save")
        node.ask("privacy", enable=True)
        time.sleep(1)
        begin_s = time.monotonic()
        time.sleep(idle_s)
        end_s = time.monotonic()
    (out,) = folder.glob("*.trips")
    made = [Trip(**trip) for trip in json.loads(out.read_text())]
    trips: dict[str, list[Trip]] = defaultdict(list)
    for trip in made:
        trips[trip.name].append(trip)
    return Counts(trips, [trip for trip in made if begin_s <= trip.begin_s <= end_s])


def table(counts: Counts, idle_s: float = IDLE_S) -> str:
    """Format the counts for a terminal."""
    lines = [f"{'trip':40}{'times':>7}{'calls':>7}{'functions':>11}{'files':>7}{'least':>7}{'most':>7}"]
    for name, trips in sorted(counts.trips.items()):
        usual, calls = counts.usual(name), [trip.calls for trip in trips]
        figures = f"{usual.calls:7}{len(usual.called):11}{usual.files:7}{min(calls):7}{max(calls):7}"
        lines.append(f"{name:40}{len(trips):7}{figures}")
    idle = Counter(trip.name for trip in counts.idle)
    told = ", ".join(f"{count} x {name}" for name, count in idle.most_common()) or "nothing"
    return "\n".join([*lines, f"{idle_s:g} s with privacy on: {told}; {sum(trip.calls for trip in counts.idle)} calls"])


def main(words: Sequence[str]) -> int:
    """Run the node, or measure it; return the exit code."""
    if words[:1] == ["node"]:
        return run_counted(Path(words[1]), Path(words[2]))
    parser = argparse.ArgumentParser(description="Count the calls on the trips through a running node.")
    parser.add_argument("--show", metavar="TRIP", help="also print the functions of such a trip, e.g. 'turn: Frame'")
    parser.add_argument("--json", type=Path, help="also write every trip here")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        counts = measure(Path(folder))
    print(table(counts))
    for place, count in counts.usual(options.show).called.items() if options.show else ():
        print(f"{count:7}  {place}")
    if options.json:
        trips: dict[str, Any] = {name: [asdict(trip) for trip in trips] for name, trips in counts.trips.items()}
        options.json.write_text(json.dumps(trips))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
