"""Schedule of faults with their durations, reproducible by a seed."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: Name in records and verdict.
        group: Group, which can be excluded.
        shortest_s: Least duration in seconds.
        longest_s: Greatest duration in seconds.
        arguments: One of them is chosen at random for each fault.
    """

    name: str
    group: str
    shortest_s: float
    longest_s: float
    arguments: tuple[str, ...] = ("",)


KINDS = (
    Kind("broker killed", "broker", 1, 20),
    Kind("broker frozen", "broker", 5, 40),
    Kind("link flaps", "link", 20, 60, ("3 1", "8 3", "2 6")),
    Kind("link cut", "link", 0, 0),
    Kind("link down", "link", 2, 30),
    Kind("link black hole", "link", 5, 45),
    Kind("link corrupts", "link", 20, 60, ("0.02", "0.05", "0.2")),
    Kind("link slow", "link", 10, 40, ("delay 0.5 1.0", "throttle 20000", "slice 7")),
    Kind(
        "clock jumps",
        "clock",
        5,
        40,
        ("boot at 1970", "boot 40 days behind", "1 h back (DST or user)", "10 years ahead", "1 s back", "past 2038"),
    ),
    Kind("disk full", "disk", 5, 60),
    Kind("disk out of inodes", "disk", 5, 30),
    Kind("disk read-only", "disk", 5, 40),
    Kind("camera killed", "camera", 0, 0),
    Kind("camera stopped", "camera", 20, 40),
)
GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS))

# Pause between two faults, for recovery and some normal operation.
PAUSE_S = (20.0, 45.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        kind: Name of its kind.
        at_s: Begin, in seconds since the start.
        lasts_s: Duration in seconds; 0: momentary.
        argument: Argument of its kind.
    """

    kind: str
    at_s: float
    lasts_s: float
    argument: str


def schedule(seed: int, from_s: float, to_s: float, without: Collection[str] = ()) -> Iterator[Fault]:
    """Yield faults between two times, one at a time.

    Each round contains every kind once, in random order.

    Args:
        seed: Seed of the sequence.
        from_s: Earliest begin of the first, in seconds since the start.
        to_s: Latest end of the last.
        without: Excluded groups.

    Raises:
        ValueError: No group is left.
    """
    kinds = [kind for kind in KINDS if kind.group not in without]
    if not kinds:
        raise ValueError("no kind of fault is left")
    dice = random.Random(seed)
    at_s = from_s
    while True:
        dice.shuffle(kinds)
        for kind in kinds:
            at_s += dice.uniform(*PAUSE_S)
            lasts_s = dice.uniform(kind.shortest_s, kind.longest_s)
            if at_s + lasts_s > to_s:
                return
            yield Fault(kind.name, round(at_s, 1), round(lasts_s, 1), dice.choice(kind.arguments))
            at_s += lasts_s
