"""Recovery from each fault: duration and losses. No I/O."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.soak.records import Record
from benchmarks.soak.rig import FPS
from benchmarks.soak.schedule import PAUSE_S

# Limit of the recovery time; the longest pause between two attempts of the node is 60 s.
BACK_S = 90.0
# In a running soak test, time after which an ended fault is evaluated.
SEEN_S = 45.0
# Longest time until a reply without a fault.
REPLY_S = 5.0


@dataclass(frozen=True, slots=True)
class Back:
    """Recovery from one fault, in seconds; ``None``: not before the end of the soak.

    Attributes:
        pictures_s: The longest time without a new picture, from the begin of the fault to the next one.
        answers_s: From the end of the fault until commands were answered without further interruption.
        online_s: From the end of the fault until both availabilities stayed online.
        lost_share: Share of lost frames, from the begin of the fault to the next one; ``None``: unknown.
        asked: Number of commands from the begin of the fault to the next one.
        answered: Number of them that were answered in time.
    """

    pictures_s: float | None
    answers_s: float | None
    online_s: float | None
    lost_share: float | None
    asked: int
    answered: int


class Trace:
    """Received messages, by kind and in order of time."""

    def __init__(self, records: Sequence[Record]) -> None:
        end_s = records[-1]["t"] if records else 0.0
        self.faults = [r for r in records if r["what"] == "fault" and r["ended"] + SEEN_S < end_s]
        self._frames = _new_frames(records)
        answers = [(r["asked"], r["t"]) for r in records if r["what"] == "answer"]
        lost = [(r["asked"], None) for r in records if r["what"] == "unanswered"]
        self._asked = sorted([*answers, *lost], key=lambda asked: asked[0])
        self._states = _online(records)

    def back(self, number: int) -> Back:
        """Return the recovery from the fault with this number."""
        began_s, ended_s = self.faults[number]["began"], self.faults[number]["ended"]
        following = self.faults[number + 1 : number + 2]
        # In a running soak test the next fault may have begun without being in the records yet.
        until_s = following[0]["began"] if following else ended_s + PAUSE_S[0]
        return Back(
            self._without_pictures_s(began_s, until_s),
            self._answers_s(ended_s, until_s),
            self._online_s(ended_s, until_s),
            self._lost_share(began_s, until_s),
            *self._answered(began_s, until_s),
        )

    def _without_pictures_s(self, began_s: float, until_s: float) -> float | None:
        first = max(0, bisect_left(self._frames, (began_s, 0)) - 1)
        last = bisect_left(self._frames, (until_s, 0))
        if last <= first:
            return None
        times = [t for t, _ in self._frames[first:last]]
        return max(after - before for before, after in pairwise([*times, until_s]))

    def _answers_s(self, ended_s: float, until_s: float) -> float | None:
        first, last = (bisect_left(self._asked, at_s, key=lambda asked: asked[0]) for at_s in (ended_s, until_s))
        within = self._asked[first:last]
        lost = [at for at, (_, answered_s) in enumerate(within) if answered_s is None]
        since = first + (lost[-1] + 1 if lost else 0)
        times = [answered_s for _, answered_s in self._asked[since:] if answered_s is not None]
        return min(times) - ended_s if times else None

    def _answered(self, began_s: float, until_s: float) -> tuple[int, int]:
        first, last = (bisect_left(self._asked, at_s, key=lambda asked: asked[0]) for at_s in (began_s, until_s))
        took = [None if at_s is None else at_s - asked_s for asked_s, at_s in self._asked[first:last]]
        return len(took), sum(time_s is not None and time_s <= REPLY_S for time_s in took)

    def _online_s(self, ended_s: float, until_s: float) -> float | None:
        """Return the end of the last offline time that began before the next fault."""
        at = bisect_right(self._states, until_s, key=lambda state: state[0])
        if at == 0:
            return None
        if not self._states[at - 1][1]:
            later = [t for t, online in self._states[at:] if online]
            return later[0] - ended_s if later else None
        while at > 1 and self._states[at - 2][1]:
            at -= 1
        return max(0.0, self._states[at - 1][0] - ended_s)

    def _lost_share(self, began_s: float, until_s: float) -> float | None:
        first = max(0, bisect_left(self._frames, (began_s, 0)) - 1)
        last = bisect_left(self._frames, (until_s, 0)) - 1
        if last <= first:
            return None
        due = (self._frames[last][0] - self._frames[first][0]) * FPS
        return max(0.0, 1 - (self._frames[last][1] - self._frames[first][1]) / due)


def _new_frames(records: Sequence[Record]) -> list[tuple[float, int]]:
    """Return when each picture first arrived, without repetitions and placeholders of the stream."""
    frames: list[tuple[float, int]] = []
    for record in records:
        if record["what"] != "frame" or not record["name"].isdigit():
            continue
        number = int(record["name"])
        if not frames or frames[-1][1] != number:
            frames.append((record["t"], number))
    return frames


def _online(records: Sequence[Record]) -> list[tuple[float, bool]]:
    """Return the times at which both availabilities became online, or not; none after a restart of the broker."""
    said: dict[str, str] = {}
    changes: list[tuple[float, bool]] = []
    for record in records:
        if record["what"] == "mqtt":
            said.clear()
        elif record["what"] == "availability":
            said[record["topic"]] = record["value"]
        else:
            continue
        changes.append((record["t"], len(said) == 2 and set(said.values()) == {"online"}))
    return changes


def by_kind(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Return figures of each kind of fault: number, longest recovery times, losses."""
    trace = Trace(records)
    costs: dict[str, list[Back]] = {}
    for number, fault in enumerate(trace.faults):
        costs.setdefault(fault["kind"], []).append(trace.back(number))
    return {kind: _figures(backs) for kind, backs in sorted(costs.items())}


def _figures(backs: Sequence[Back]) -> dict[str, Any]:
    shares = [back.lost_share for back in backs if back.lost_share is not None]
    figures: dict[str, Any] = {
        "count": len(backs),
        "frames_lost_percent": round(100 * sum(shares) / len(shares), 2) if shares else None,
        "asked": sum(back.asked for back in backs),
        "answered": sum(back.answered for back in backs),
    }
    for name in ("pictures_s", "answers_s", "online_s"):
        times = [time_s for back in backs if (time_s := getattr(back, name)) is not None]
        figures[name] = round(max(times), 2) if times else None
        figures[f"{name}_never"] = len(backs) - len(times)
    return figures
