"""Generates `docs/reliability.md` from the promises and the last results of their tests.

``python -m tests.support.reliability.report [folder …]`` merges the results in ``build/faults`` and in the given
folders (of other checkouts) into ``measured.jsonl`` beside it, and generates the page from that.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.support.reliability import results
from tests.support.reliability.promises import SECTIONS, Promise
from tests.support.reliability.results import ROOT, Result

MEASURED = Path(__file__).parent / "measured.jsonl"
PAGE = ROOT / "docs" / "reliability.md"
TOP = """# Reliability

<!-- Written by `python -m tests.support.reliability.report` from `promises.py` beside it and what the tests found. -->

Tests cause each of these faults for real: they kill, empty and freeze brokers; cut, delay and corrupt connections;
fill disks; stop processes. `scripts/test-faults` runs all of them, `scripts/test` the short ones. With `FAULTS_LONG=1`
a fault lasts as long as the promise says; the usual run shortens some. The column *last measured* shows both, each with
its date. Figures are of shared two-core x86 machines, not of a Raspberry Pi. For hours with all faults in turn see
[the soak test](soak.md).
"""
HEAD = "| id | fault | the node | last measured | test |\n|---|---|---|---|---|"


def merged(old: Iterable[Result], new: Iterable[Result]) -> list[Result]:
    """Return the last results of each test that still exists, in the order of their names.

    A skipped test does not replace earlier results. A shortened run is kept beside the last run of full length.
    """
    last: dict[str, list[Result]] = {}
    for result in (*old, *new):
        before = last.get(result.test, [])
        if result.exists and (result.outcome != "skipped" or not before):
            last[result.test] = [*(one for one in before if one.is_long and not result.is_long), result]
    return [result for test in sorted(last) for result in last[test]]


def known() -> list[Result]:
    """Return the results under version control."""
    lines = MEASURED.read_text(encoding="utf-8").splitlines() if MEASURED.exists() else []
    return [results.parsed(line) for line in lines]


def page(found: Sequence[Result]) -> str:
    """Return the page for these results."""
    parts = [TOP]
    for title, promises in SECTIONS.items():
        if promises:
            rows = [_row(promise, [r for r in found if promise.id in r.promises]) for promise in promises]
            parts.append("\n".join([f"## {title}\n", HEAD, *rows, ""]))
    return "\n".join(parts)


def _row(promise: Promise, found: Sequence[Result]) -> str:
    cells = (promise.id, promise.fault, promise.promise, _measured(found), _tests(found))
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _measured(found: Sequence[Result]) -> str:
    if not found:
        return "not tested"
    days = sorted({result.measured for result in found if result.is_long})
    parts = [_measured_on(day, [r for r in found if r.is_long and r.measured == day]) for day in days]
    short = [result for result in found if not result.is_long]
    if short:
        parts.append(_measured_on(max(result.measured for result in short), short))
    return "; ".join(parts)


def _measured_on(day: str, found: Sequence[Result]) -> str:
    said = [f"{_word(result)}{'; '.join(result.figures) or 'holds'}" for result in found]
    return f"{'; '.join(dict.fromkeys(said))} ({day})"


def _word(result: Result) -> str:
    return "" if result.outcome == "passed" else f"**{result.outcome}**: "


def _tests(found: Sequence[Result]) -> str:
    files: dict[str, None] = dict.fromkeys(result.test.partition("::")[0] for result in found)
    return ", ".join(f"[{Path(path).name}](../{path})" for path in files)


def main(folders: Sequence[str]) -> None:
    """Merge the results and write the page."""
    fresh = [result for folder in (results.FRESH, *map(Path, folders)) for result in results.read(folder)]
    found = merged(known(), fresh)
    MEASURED.write_text("".join(json.dumps(asdict(result), ensure_ascii=False) + "\n" for result in found), "utf-8")
    PAGE.write_text(page(found), "utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(found)} results, {sum(r.outcome == 'failed' for r in found)} failed")  # noqa: T201 - a program


if __name__ == "__main__":
    main(sys.argv[1:])
