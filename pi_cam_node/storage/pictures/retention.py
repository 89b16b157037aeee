"""Retention rule: which saved pictures to remove when they exceed the limits. Pure: no files, no clock.

The oldest go first. The newest picture always stays: ``media/last`` refers to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pi_cam_node.base.frozen import frozen


@frozen
class Held:
    """A saved picture, as input of the retention rule.

    Attributes:
        id: Its id.
        size_bytes: Of all its files.
        age_s: Age in seconds; ``None`` where it is unknown, because a clock was not set. Negative:
            from the future, so a clock was wrong, and its true age is as unknown.
    """

    id: str
    size_bytes: int
    age_s: float | None


@frozen
class Limits:
    """Limits of saved pictures: bytes, age, and bytes that the disk lacks.

    Attributes:
        max_bytes: All of them together; 0: no limit.
        max_age_s: Each of them; 0: no limit.
        to_free_bytes: What the disk lacks; 0: nothing.
    """

    max_bytes: int = 0
    max_age_s: float = 0.0
    to_free_bytes: int = 0


def plan(held: Sequence[Held], limits: Limits, is_kept: Callable[[str], bool] = lambda _id: False) -> list[str]:
    """Return the ids of the pictures that go, in the order in which they go.

    Afterwards the rest is within ``max_bytes`` (or is the newest and kept ones alone) and holds none known to be older
    than ``max_age_s``. Where all that may go is less than the disk lacks, none goes for that: something else fills the
    disk, and would fill what they leave too.

    Args:
        held: Every picture, the oldest first.
        limits: What they may take.
        is_kept: Tells whether one is spared. Asked only about those that would go, as it may read the disk.
    """
    old = held[:-1]
    going = [picture for picture in old if _too_old(picture, limits.max_age_s) and not is_kept(picture.id)]
    gone = {picture.id for picture in going}
    freed_bytes = sum(picture.size_bytes for picture in going)
    total_bytes = sum(picture.size_bytes for picture in held)
    may_help = sum(picture.size_bytes for picture in old) >= limits.to_free_bytes
    shortfall_bytes = limits.to_free_bytes if may_help else 0
    for_the_disk: set[str] = set()
    for picture in old:
        is_within = not limits.max_bytes or total_bytes - freed_bytes <= limits.max_bytes
        if is_within and freed_bytes >= shortfall_bytes:
            break
        if picture.id in gone or is_kept(picture.id):
            continue
        going.append(picture)
        freed_bytes += picture.size_bytes
        if is_within:
            for_the_disk.add(picture.id)
    if freed_bytes < shortfall_bytes:
        going = [picture for picture in going if picture.id not in for_the_disk]
    return [picture.id for picture in going]


def _too_old(picture: Held, max_age_s: float) -> bool:
    return max_age_s > 0 and picture.age_s is not None and picture.age_s > max_age_s
