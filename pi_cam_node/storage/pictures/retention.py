"""Retention rule: which saved pictures to remove beyond the limits. No I/O, no clock.

The oldest go first. The newest picture always stays: ``media/last`` refers to it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import pairwise
from typing import Generic, TypeVar

from pi_cam_node.base.frozen import frozen

Key = TypeVar("Key", bound=Hashable)


@frozen
class Held(Generic[Key]):
    """A saved picture, as input of the retention rule.

    Attributes:
        id: Its id.
        size_bytes: Total size of its files.
        age_s: Age in seconds; ``None`` or negative: unknown, because a clock was not set or wrong.
    """

    id: Key
    size_bytes: int
    age_s: float | None


@frozen
class Limits:
    """Limits of saved pictures: bytes, age, and bytes that the disk lacks.

    Attributes:
        max_bytes: Greatest total size; 0: no limit.
        max_age_s: Greatest age; 0: no limit.
        to_free_bytes: Bytes to free on the disk; 0: none.
    """

    max_bytes: int = 0
    max_age_s: float = 0.0
    to_free_bytes: int = 0


def plan(held: Iterable[Held[Key]], limits: Limits, is_kept: Callable[[Key], bool] = lambda _id: False) -> list[Key]:
    """Return the ids of the pictures to remove, in order.

    Afterwards the rest is within ``max_bytes`` (or consists of the newest and kept ones only), and none is known to be
    older than ``max_age_s``. If removing all would not free ``to_free_bytes``, none is removed for that: something else
    fills the disk.

    Args:
        held: All pictures, oldest first; read several times.
        limits: The limits.
        is_kept: Tells whether a picture is protected; called for candidates only, as it may read the disk.
    """
    going = [picture for picture in _old(held) if _too_old(picture, limits.max_age_s) and not is_kept(picture.id)]
    gone = {picture.id for picture in going}
    freed_bytes = sum(picture.size_bytes for picture in going)
    total_bytes = sum(picture.size_bytes for picture in held)
    may_help = sum(picture.size_bytes for picture in _old(held)) >= limits.to_free_bytes
    shortfall_bytes = limits.to_free_bytes if may_help else 0
    for_the_disk: set[Key] = set()
    for picture in _old(held):
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


def _old(held: Iterable[Held[Key]]) -> Iterator[Held[Key]]:
    """Yield all pictures but the newest."""
    return (picture for picture, _newer in pairwise(held))


def _too_old(picture: Held[Key], max_age_s: float) -> bool:
    return max_age_s > 0 and picture.age_s is not None and picture.age_s > max_age_s
