"""Result of a test of a promise.

One file per test in ``build/faults`` (or ``FAULTS_RESULTS``), until the report collects them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
FRESH = Path(os.environ.get("FAULTS_RESULTS", ROOT / "build" / "faults"))


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one test.

    Attributes:
        test: Its node id, e.g. ``tests/faults/test_link_lost.py::test_x[5]``.
        promises: Ids of the promises that it checks.
        outcome: ``passed``, ``failed`` or ``skipped``.
        figures: Measured figures as texts; for a skipped test the reason.
        measured: Date, ISO 8601.
        on: Python version and machine.
        needs_root: Whether it needs root or a loop device.
        is_long: Whether its fault lasted as long, or came as often, as the promise says (``FAULTS_LONG=1``, or
            ``--faults``), in a test that shortens it otherwise.
    """

    test: str
    promises: tuple[str, ...]
    outcome: str
    figures: tuple[str, ...]
    measured: str
    on: str
    needs_root: bool = False
    is_long: bool = False

    @property
    def function(self) -> str:
        """The test without its parameters."""
        return self.test.partition("[")[0]

    @property
    def exists(self) -> bool:
        """Whether there is still such a test."""
        path, _, name = self.function.partition("::")
        source = ROOT / path
        return source.is_file() and f"def {name.rpartition('::')[2]}(" in source.read_text(encoding="utf-8")


def write(result: Result, folder: Path = FRESH) -> None:
    """Store a result, replacing the test's earlier one."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "_", result.test.removeprefix("tests/"))[-180:]
    (folder / f"{name}.json").write_text(json.dumps(asdict(result)) + "\n", encoding="utf-8")


def read(folder: Path = FRESH) -> Iterator[Result]:
    """Yield the results of a folder."""
    for path in sorted(folder.glob("*.json")):
        yield parsed(path.read_text(encoding="utf-8"))


def parsed(line: str) -> Result:
    """Parse a result from a line of JSON."""
    fields = json.loads(line)
    return Result(**{**fields, "promises": tuple(fields["promises"]), "figures": tuple(fields["figures"])})


def all_of_root_skipped(results: Iterable[Result]) -> str:
    """Return a message if every test that needs root was skipped, else an empty text.

    Otherwise a job without root would look like one that tested power cuts and full disks.
    """
    wanted = [result for result in results if result.needs_root]
    if not wanted or any(result.outcome != "skipped" for result in wanted):
        return ""
    reasons = sorted({reason for result in wanted for reason in result.figures})
    return f"all {len(wanted)} tests that need root or a loop device were skipped: {'; '.join(reasons)}"
