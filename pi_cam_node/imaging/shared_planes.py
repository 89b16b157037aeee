"""Planes of the newest pictures in memory shared with the camera's process, for encoders instead of JPEGs.

While an encoder needs planes, the camera's process shares those of each picture. An encoder that is too late for the
planes of a picture uses its JPEG in the ring.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

# Pictures that are kept: one is usual, more wait while the encoder gets no processor.
MOST = 3


def planes_bytes(size: tuple[int, int]) -> int:
    """Return the length in bytes of the planes of a picture of this size in pixels.

    Raises:
        ValueError: The width or the height is odd, or less than 2.
    """
    width, height = size
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise ValueError(f"planes of {width}x{height} pixels")
    return width * height * 3 // 2


@dataclass(frozen=True, slots=True, eq=False)
class SharedPlanes:
    """Planes of one finished picture: I420, full range, without padding.

    Attributes:
        mono_s: Monotonic time of the picture.
        size: Width and height in pixels, even.
        descriptor: Shared memory, open until they are given back.
        offset_bytes: Where in it they begin, a multiple of the page size.
        give_back: To be called once, when they are not needed any more. Thread: any.
    """

    mono_s: float
    size: tuple[int, int]
    descriptor: int
    offset_bytes: int
    give_back: Callable[[], None]


@dataclass(slots=True, eq=False)
class _Offer:
    """Planes of a picture, how often an encoder has borrowed them, and how many encoders read them now."""

    planes: SharedPlanes
    served: int = 0
    lent: int = 0


class PlanesStore:
    """The planes of the newest pictures, a few at most. Thread: any."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._lock = threading.Lock()
        self._users = 0
        self._offers: list[_Offer] = []

    @property
    def is_wanted(self) -> bool:
        """Whether an encoder wants planes."""
        return self._users > 0

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Want planes for as long as this lasts."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
            if not self.is_wanted:
                self.clear()

    def put(self, planes: SharedPlanes) -> None:
        """Keep the planes of a new picture; give them back at once where none are wanted, or all places are in use."""
        with self._lock:
            if self._users and self._has_room():
                self._offers.append(_Offer(planes))
                return
        planes.give_back()

    def borrow(self, mono_s: float) -> SharedPlanes | None:
        """Return the planes of the picture of a moment, to be given back; ``None`` where there are none."""
        with self._lock:
            offer = next((offer for offer in self._offers if offer.planes.mono_s == mono_s), None)
            if offer is None:
                return None
            offer.served += 1
            offer.lent += 1
            return replace(offer.planes, give_back=partial(self._take_back, offer))

    def clear(self) -> None:
        """Forget all planes; those that are lent are given back when they return."""
        with self._lock:
            for offer in list(self._offers):
                self._drop(offer)

    def _take_back(self, offer: _Offer) -> None:
        with self._lock:
            offer.lent -= 1
            if offer not in self._offers:
                if not offer.lent:
                    offer.planes.give_back()
            elif not offer.lent and offer.served >= self._users:
                self._drop(offer)

    def _has_room(self) -> bool:
        """Return whether another picture can be kept; one that no encoder reads makes room. Under the lock."""
        if len(self._offers) < MOST:
            return True
        idle = next((offer for offer in self._offers if not offer.lent), None)
        if idle is not None:
            self._drop(idle)
        return idle is not None

    def _drop(self, offer: _Offer) -> None:
        """Forget planes. Under the lock."""
        self._offers.remove(offer)
        if not offer.lent:
            offer.planes.give_back()
