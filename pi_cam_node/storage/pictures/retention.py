"""What goes when saved pictures take too much: a rule without files and clocks.

The oldest go first. The newest picture always stays: it is the one that ``media/last`` speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """A saved picture as the rule sees it.

    Attributes:
        id: Its id.
        size_bytes: Of all its files.
        age_s: How old it is; ``None`` where nobody knows, because a clock was not set. Negative:
            from the future, so a clock was wrong, and its true age is as unknown.
    """

    id: str
    size_bytes: int
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What pictures may take.

    Attributes:
        max_bytes: All of them together; 0: no limit.
        max_age_s: Each of them; 0: no limit.
        to_free_bytes: What the disk lacks; 0: nothing.
    """

    max_bytes: int = 0
    max_age_s: float = 0.0
    to_free_bytes: int = 0


def plan(held: Sequence[Held], limits: Limits) -> list[str]:
    """Return the ids of the pictures that go, in the order in which they go.

    Afterwards the rest is within ``max_bytes`` (or is the newest alone) and holds none known to be
    older than ``max_age_s``. Where all pictures together are less than the disk lacks, none goes for
    that: somebody else fills the disk, and would fill what they leave too.

    Args:
        held: Every picture, the oldest first.
        limits: What they may take.
    """
    old = held[:-1]
    going = [picture for picture in old if _too_old(picture, limits.max_age_s)]
    gone = {picture.id for picture in going}
    freed = sum(picture.size_bytes for picture in going)
    total = sum(picture.size_bytes for picture in held)
    shortfall_bytes = limits.to_free_bytes if sum(picture.size_bytes for picture in old) >= limits.to_free_bytes else 0
    for picture in old:
        if freed >= shortfall_bytes and (not limits.max_bytes or total - freed <= limits.max_bytes):
            break
        if picture.id not in gone:
            going.append(picture)
            freed += picture.size_bytes
    return [picture.id for picture in going]


def _too_old(picture: Held, max_age_s: float) -> bool:
    return max_age_s > 0 and picture.age_s is not None and picture.age_s > max_age_s
