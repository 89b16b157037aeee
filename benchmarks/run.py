"""Everything at once: `scripts/bench`, or `python -m benchmarks.run [--quick] [--rows cpu,get] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine
from benchmarks.bars import BARS, Result
from benchmarks.bench import Bench, say
from benchmarks.rows import answers, resources, start

BUILD = Path(__file__).resolve().parents[1] / "build"
ROWS: dict[str, Callable[[Bench], Iterator[Result]]] = {
    "memory": resources.memory,
    "cpu": resources.cpu,
    "viewers": resources.viewers,
    "idle": resources.idle,
    "get": answers.get,
    "past": answers.past,
    "stackmemory": answers.stackmemory,
    "save": answers.save,
    "start": start.start,
}


def table(results: list[Result]) -> str:
    """Return the results as lines of a table."""
    lines = [f"{'':48}{'node':>9} {'beside it':>9} {'':12} {'figure':>8} {'bar':>6} {'aim':>5}"]
    for result in results:
        bar, row = BARS[result.bar], result.as_json()
        ours, beside, figure = (
            "-" if row[key] is None else f"{row[key]:.2f}" for key in ("ours_median", "others_median", "figure")
        )
        aim = "" if bar.aim is None else f"{bar.aim:g}"
        lines.append(
            f"{bar.what:48}{ours:>9} {beside:>9} {bar.unit:12} {figure:>8} {bar.reach:>6g} {aim:>5}  {result.verdict}"
            + (f" ({result.missing})" if result.missing else "")
        )
    return "\n".join(lines)


def measure(rows: list[str], *, rounds: int, window_s: float) -> list[Result]:
    """Return the results of the rows."""
    results = []
    folder = BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        bench = Bench(folder, stack, rounds=rounds, window_s=window_s)
        for row in rows:
            say(f"== {row}")
            results += list(ROWS[row](bench))
    return results


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description="Measure the node, each figure beside a reference of the same run.")
    parser.add_argument("--rows", default=",".join(ROWS), help="which, separated by commas (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of each, in shorter windows")
    parser.add_argument("--json", type=Path, default=BUILD / "bench.json", help="also write the figures here")
    options = parser.parse_args()
    rows = options.rows.split(",")
    if unknown := set(rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    rounds, window_s = (1, 3.0) if options.quick else (3, 6.0)
    results = measure(rows, rounds=rounds, window_s=window_s)
    print(table(results))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    body = {"machine": machine.facts(), "rounds": rounds, "window_s": window_s}
    options.json.write_text(json.dumps({**body, "results": [r.as_json() for r in results]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
