"""Evaluates the records of a soak test. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.soak.records import Record
from benchmarks.soak.recovery import BACK_S, by_kind

WHO = ("node", "camera")
ENDS = ("retained", "stopped", "films", "tracebacks")

# Function that returns the median slope per hour and the limits of its 95 % confidence interval.
Slope = Callable[[Sequence[float], Sequence[float]], tuple[float, float, float]]

MEMORY_SLOPE_MIB_PER_H = 0.5
# Greatest slope per hour of the number of descriptors and threads.
COUNT_SLOPE_PER_H = 0.1
# Greatest percentage of frames lost by a fault outside the camera.
FRAMES_LOST_PERCENT = 1.0
# Warm-up, in which each kind of fault and command occurs for the first time, and the heap reaches its size.
WARM_UP_S = 900.0
# Time after a fault of the camera until the node's ring, a tenth of its memory, is full of pictures again.
REFILL_S = 75.0
# Least duration for a result about growth; in shorter runs growth may be the warm-up.
LEAST_S = 2 * WARM_UP_S


@dataclass(slots=True)
class Verdict:
    """Result of a soak test.

    Attributes:
        figures: Figures by name.
        against: Failed checks as texts; empty if passed.
        unclear: Checks without a result, because the run was too short.
    """

    figures: dict[str, Any] = field(default_factory=dict)
    against: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    @property
    def word(self) -> str:
        """The result in a few words."""
        if self.against:
            return "FAILED"
        return "too short to tell" if self.unclear else "held"


def judge(records: Sequence[Record], slope: Slope) -> Verdict:
    """Evaluate a soak test, which may still be running.

    Args:
        records: The records in order of time.
        slope: `theil_sen` of the fault tools.
    """
    verdict = Verdict()
    samples = [record for record in records if record["what"] == "sample"]
    verdict.figures["hours"] = round(records[-1]["t"] / 3600, 3) if records else 0.0
    _judge_growth(verdict, samples, _refills(records), slope)
    _judge_restarts(verdict, records, samples)
    _judge_recovery(verdict, records)
    _judge_ending(verdict, records)
    return verdict


def _refills(records: Sequence[Record]) -> list[tuple[float, float]]:
    """Return the times, begin and end, in which the ring is not full because of a fault of the camera."""
    faults = (record for record in records if record["what"] == "fault" and record["kind"].startswith("camera"))
    return [(fault["began"], fault["ended"] + REFILL_S) for fault in faults]


def _judge_growth(
    verdict: Verdict, samples: Sequence[Record], refills: Sequence[tuple[float, float]], slope: Slope
) -> None:
    if not samples:
        verdict.against.append("there is no sample")
        return
    last_s = samples[-1]["t"]
    if last_s < LEAST_S:
        verdict.unclear.append(f"growth cannot be told from the warm-up in less than {LEAST_S / 60:g} minutes")
    warm = [sample for sample in samples if last_s < LEAST_S or sample["t"] >= WARM_UP_S]
    full = [sample for sample in warm if not any(begin <= sample["t"] <= end for begin, end in refills)]
    limits = {"rss_mib": MEMORY_SLOPE_MIB_PER_H, "fds": COUNT_SLOPE_PER_H, "threads": COUNT_SLOPE_PER_H}
    for who in WHO:
        rows = [(sample["t"], sample[who]) for sample in (full if who == "node" else warm) if sample[who]]
        if len(rows) < 3:
            verdict.unclear.append(f"{who}: only {len(rows)} samples after the warm-up")
            continue
        for key, limit in limits.items():
            figure = _growth(rows, key, limit, slope)
            verdict.figures[f"{who} {key}"] = figure
            if last_s >= LEAST_S:
                _judge_slope(verdict, f"{who} {key}", figure)
    node = [sample["node"] for sample in samples]
    spent_s = node[-1]["cpu_s"] - node[0]["cpu_s"]
    verdict.figures["PSS at the end, MiB"] = {who: samples[-1][who] and samples[-1][who]["pss_mib"] for who in WHO}
    verdict.figures["node cpu_percent"] = round(100 * spent_s / max(1.0, last_s - samples[0]["t"]), 1)


def _growth(rows: Sequence[tuple[float, Mapping[str, float]]], key: str, limit: float, slope: Slope) -> dict[str, Any]:
    values = [row[key] for _, row in rows]
    middle, low, high = slope([t for t, _ in rows], values)
    return {
        "samples": len(rows),
        "least": min(values),
        "most": max(values),
        "slope_per_h": round(middle, 3),
        "band": [round(low, 3), round(high, 3)],
        "limit": limit,
    }


def _judge_slope(verdict: Verdict, name: str, figure: Mapping[str, Any]) -> None:
    """Evaluate growth: the lower limit of the interval proves a leak; a wide interval gives no result."""
    (low, high), limit = figure["band"], figure["limit"]
    if low > limit:
        verdict.against.append(f"{name} grows by {low:.2f} to {high:.2f} an hour (at most {limit:g})")
    elif high > limit and high - low > limit:
        verdict.unclear.append(f"{name}: between {low:.2f} and {high:.2f} an hour (at most {limit:g})")


def _judge_restarts(verdict: Verdict, records: Sequence[Record], samples: Sequence[Record]) -> None:
    """Evaluate restarts: none of the node, and only those of the camera that a fault caused."""
    asked = sum(record["what"] == "fault" and record["kind"].startswith("camera") for record in records)
    cameras = list(dict.fromkeys(sample["camera"]["pid"] for sample in samples if sample["camera"]))
    verdict.figures["camera restarts"] = {"seen": max(0, len(cameras) - 1), "asked": asked}
    if len(cameras) - 1 > asked:
        verdict.against.append(f"the camera's process was started again {len(cameras) - 1} times, asked for {asked}")
    if len({sample["node"]["pid"] for sample in samples}) > 1 or any(record["what"] == "gone" for record in records):
        verdict.against.append("the node's process ended")


def _judge_recovery(verdict: Verdict, records: Sequence[Record]) -> None:
    kinds = by_kind(records)
    verdict.figures["faults"] = kinds
    if missed := Counter(record["kind"] for record in records if record["what"] == "not caused"):
        verdict.figures["faults that could not be caused"] = dict(missed)
    for kind, figures in kinds.items():
        for key, what in (("pictures_s", "pictures"), ("answers_s", "answers"), ("online_s", "online")):
            if figures[f"{key}_never"]:
                verdict.against.append(f"{kind}: {figures[f'{key}_never']} times never {what} again")
            elif figures[key] > BACK_S:
                verdict.against.append(f"{kind}: {what} only after {figures[key]:g} s (at most {BACK_S:g})")

        if not kind.startswith("camera") and (figures["frames_lost_percent"] or 0.0) > FRAMES_LOST_PERCENT:
            lost = f"{figures['frames_lost_percent']:g} % of the frames lost (at most {FRAMES_LOST_PERCENT:g} %)"
            verdict.against.append(f"{kind}: {lost}")


def _judge_ending(verdict: Verdict, records: Sequence[Record]) -> None:
    ends = {record["what"]: record for record in records if record["what"] in ENDS}
    if not {"retained", "stopped"} <= ends.keys():
        verdict.unclear.append("the soak has not come to its end")
        return
    verdict.figures["retained topics"] = ends["retained"]["topics"]
    verdict.against += [f"at the end {wrong}" for wrong in ends["retained"]["wrong"]]
    stopped = ends["stopped"]
    verdict.figures["stopped"] = {"code": stopped["code"], "farewell": stopped["farewell"]}
    if stopped["code"] != 0 or stopped["farewell"] != "offline":
        verdict.against.append(f"the node stopped with code {stopped['code']}, farewell {stopped['farewell']!r}")
    if "films" in ends:
        verdict.figures["films at the end"] = ends["films"]["count"]
        verdict.against += [f"the film {name} does not play" for name in ends["films"]["broken"]]
        if not ends["films"]["count"]:
            verdict.against.append("there is no film at the end")
    tracebacks = ends.get("tracebacks", {"count": 0})["count"]
    verdict.figures["tracebacks"] = tracebacks
    verdict.figures["errors logged"] = ends.get("tracebacks", {}).get("errors")
    if tracebacks:
        verdict.against.append(f"{tracebacks} tracebacks in the node's log")
