"""Runs the benchmarks: `scripts/bench`, or `python -m benchmarks.run [--quick] [--rows cpu,get] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine, page
from benchmarks.bars import BARS, Result
from benchmarks.bench import Bench, say
from benchmarks.rows import answers, back, console, fanout, live, lost, motion, record, resources, start

ROWS: dict[str, Callable[[Bench], Iterator[Result]]] = {
    "memory": resources.memory,
    "cpu": resources.cpu,
    "viewers": resources.viewers,
    "idle": resources.idle,
    "get": answers.get,
    "past": answers.past,
    "stackmemory": answers.stackmemory,
    "save": answers.save,
    "lost": lost.lost,
    "start": start.start,
    "fanout": fanout.fanout,
    "live": live.live,
    "motion": motion.motion,
    "record": record.record,
    "copy": record.copy,
    "console": console.console,
    "back": back.back,
}


def table(results: Sequence[Result]) -> str:
    """Format the results for a terminal."""
    lines = [f"{'':54}{'node':>9}{'beside':>9} {'':11}{'figure':>8}{'reach':>7}{'aim':>6}"]
    for result in results:
        bar, facts = BARS[result.bar], result.as_json()
        figures = (facts[key] for key in ("ours_median", "others_median", "figure"))
        ours, others, figure = ("-" if value is None else page.shown(value) for value in figures)
        aim = "" if bar.aim is None else f"{bar.aim:g}"
        why = f": {result.missing}" if result.missing else ""
        lines.append(
            f"{bar.what:54}{ours:>9}{others:>9} {bar.unit:11}{figure:>8}{bar.reach:>7g}{aim:>6}  {result.verdict}{why}"
        )
    return "\n".join(lines)


def measure(rows: Sequence[str], folder: Path, *, rounds: int, window_s: float, quick: bool = False) -> list[Result]:
    """Run rows; return their results."""
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    with ExitStack() as stack:
        bench = Bench(folder, stack, rounds=rounds, window_s=window_s, quick=quick)
        for row in rows:
            say(f"== {row}")
            try:
                results += list(ROWS[row](bench))
            except Exception as error:
                say(traceback.format_exc())
                why = f"failed: {error or type(error).__name__}"
                results += [Result(bar, missing=why) for bar in BARS if bar.partition("-")[0] == row]
    return results


def main() -> int:
    """Measure, print, and write the results; return 1 if a row failed."""
    parser = argparse.ArgumentParser(description="Measure the node, each figure beside a reference of the same run.")
    parser.add_argument("--rows", default=",".join(ROWS), help="which, separated by commas (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each row (default: %(default)s); the page tells it")
    parser.add_argument("--quick", action="store_true", help="one round of each, in shorter windows")
    parser.add_argument("--json", type=Path, default=page.RESULTS, help="also write the figures here")
    parser.add_argument("--page", action="store_true", help="also write docs/performance.md; takes every row")
    options = parser.parse_args()
    rows = options.rows.split(",")
    if unknown := set(rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if options.page and (options.quick or set(rows) != set(ROWS)):
        parser.error("the page tells of every row, measured in full")
    size = {"rounds": 1, "window_s": 3.0} if options.quick else {"rounds": max(1, options.rounds), "window_s": 5.0}
    folder = page.RESULTS.parent / "bench"
    results = measure(
        rows, folder, rounds=int(size["rounds"]), window_s=size["window_s"], quick=options.quick
    )  # fmt: skip
    print(table(results))
    told = {"machine": machine.facts(), **size, "results": [result.as_json() for result in results]}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(told, indent=1) + "\n")
    if options.page:
        page.PAGE.write_text(page.page(told), encoding="utf-8")
    return int(any(result.missing.startswith("failed") for result in results))


if __name__ == "__main__":
    sys.exit(main())
