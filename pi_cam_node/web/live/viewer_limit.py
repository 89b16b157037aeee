"""A bounded number of places, each for one client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Limit:
    """Hands out places until none is free. Thread: the web server's.

    Args:
        most: Returns how many there are; may change.
    """

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self.taken = 0

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Hold a place for the time of a ``with`` block; ``False`` where none is free."""
        is_free = self.taken < self._most()
        self.taken += is_free
        try:
            yield is_free
        finally:
            self.taken -= is_free
