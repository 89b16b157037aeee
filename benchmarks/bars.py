"""Limits of the benchmarks: figure, reference, limit and target of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the results.

    Attributes:
        what: Measured quantity.
        beside: Reference, measured in the same run.
        unit: Unit of both.
        judged: Figure compared with the limit: ``ratio`` of the two, or the name of another figure.
        reach: Upper limit of the figure.
        aim: Target for the figure.
    """

    what: str
    beside: str
    unit: str
    judged: str
    reach: float
    aim: float | None = None


MOTION = "motion"
BARS = {
    "cpu": Bar("CPU per camera frame, nobody looking", "bare floor", "ms", "ratio", 1.35, 1.25),
    "viewers": Bar("CPU per camera frame, 16 viewers", "motion, 16 viewers", "ms", "ratio", 0.75, 0.6),
    "memory": Bar("memory of the process tree", "motion, pre_capture 300", "MiB", "ratio", 0.25, 0.22),
    "idle": Bar("CPU at 2 fps", "a fifth of that at 10 fps", "% of a core", "% of a core above", 0.5),
    "get-p50": Bar("`get` round trip, QoS 1, median", "bare paho echo", "ms", "ratio", 1.8, 1.5),
    "get-p99": Bar("`get` round trip, QoS 1, 99 %", "bare paho echo", "ms", "ratio", 2.2, 1.5),
    "past-4": Bar("`pastStack` of 4, mean", "its decodes, additions, encode and sync", "ms", "ratio", 1.3, 1.1),
    "past-64": Bar("`pastStack` of 64, mean", "its decodes, additions, encode and sync", "ms", "ratio", 1.3, 1.1),
    "stackmemory": Bar("peak of memory while 64 are stacked", "peak without", "MiB", "frames more", 3.0),
    "save": Bar("`save` jpg, command to reply", "frame interval + encode + sync + 5 ms", "ms", "ratio", 1.0),
    "lost": Bar("frames lost at 30 fps: png, stacks of 64, 1 MB pictures", "frames due", "frames", "frames lost", 0.0),
    "start": Bar("start to the first retained brightness", "importing the same libraries", "s", "ratio", 2.5, 2.0),
    "fanout": Bar("CPU per viewer-frame, 64 viewers, 1 stalled", "bare selector loop", "µs", "ratio", 1.6, 1.2),
    "live-cpu": Bar("CPU per frame of live video, 1 viewer", "bare PyAV on the same JPEGs", "ms", "ratio", 1.5, 1.25),
    "live-first": Bar("live video: first request to the first segment", "", "s", "s", 1.0),
    "motion-cpu": Bar("CPU more per picture looked at for motion", "bare MOG2", "ms", "ratio", 1.9, 1.4),
    "motion-armed": Bar("CPU per frame, armed and idle", "the same, recording off", "ms", "ratio", 1.05, 1.02),
    "record-av": Bar("CPU more per frame while recording, to PyAV", "bare PyAV on the same JPEGs", "ms", "ratio", 1.15),
    "record-pipe": Bar("CPU more per frame while recording, to ffmpeg", "ffmpeg fed by a pipe", "ms", "ratio", 0.75),
    "record-watched": Bar("CPU, recording, 1 live viewer, 1 clip", "recording alone", "ms a frame", "ratio", 1.1),
    "record-memory": Bar("memory of the tree while recording", "before", "MiB", "MiB more", 60.0),
    "copy": Bar("CPU more per frame, recording an RTSP camera", "decoding its frames", "ms", "ratio", 0.25),
    "console-cpu": Bar("console, 4 cameras, 4 viewers: CPU", "scaling alone", "% of a core", "% of a core", 10.0),
    "console-memory": Bar("console, 4 cameras, 4 viewers: RSS", "importing the same libraries", "MiB", "MiB", 120.0),
    "back-1": Bar("broker back: 1 node consistent, from its connect", "", "s", "s", 3.0),
    "back-10": Bar("broker back: the slowest of 10 nodes, from its connect", "", "s", "s", 3.0),
    "back-50": Bar("broker back: the slowest of 50 nodes, from its connect", "", "s", "s", 3.0),
}


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of one row, for the node and the reference.

    Attributes:
        bar: Key in `BARS`.
        ours: Figures of the node, one per round.
        others: Figures of the reference, one per round.
        figures: Figures compared with the limit, one per round.
        notes: Further figures by name.
        missing: Why there is no figure; empty otherwise.
    """

    bar: str
    ours: Sequence[float] = ()
    others: Sequence[float] = ()
    figures: Sequence[float] = ()
    notes: dict[str, float | str] = field(default_factory=dict)
    missing: str = ""

    @property
    def figure(self) -> float | None:
        """The median of the rounds."""
        return median(self.figures) if self.figures else None

    @property
    def verdict(self) -> str:
        """Result of the comparison with limit and target."""
        bar, figure = BARS[self.bar], self.figure
        if figure is None:
            return "not measured"
        if figure > bar.reach:
            return "NOT reached"
        return "aim reached" if bar.aim is not None and figure <= bar.aim else "reached"

    def as_json(self) -> dict[str, Any]:
        """Return all fields as JSON values, including the bar."""
        middles = {name: median(values) if values else None for name, values in (("o", self.ours), ("b", self.others))}
        medians = {"ours_median": middles["o"], "others_median": middles["b"], "figure": self.figure}
        return {**asdict(BARS[self.bar]), **asdict(self), **medians, "verdict": self.verdict}


def ratios(bar: str, ours: Sequence[float], others: Sequence[float], **notes: float | str) -> Result:
    """Return a result whose figure is the ratio in each round."""
    return Result(bar, ours, others, [one / other for one, other in zip(ours, others, strict=True)], notes)
