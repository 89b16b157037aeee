"""Aborts responses that carry pictures of a node when its pictures must not be shown any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cutoff:
    """Running responses by node. Thread: the loop's."""

    def __init__(self) -> None:
        self._under_way: dict[str, set[Callable[[], None]]] = defaultdict(set)

    @contextmanager
    def watch(self, node: str, abort: Callable[[], None]) -> Iterator[None]:
        """Have ``abort`` called when the node is hidden within the ``with`` block."""
        self._under_way[node].add(abort)
        try:
            yield
        finally:
            self._under_way[node].discard(abort)
            if not self._under_way[node]:
                del self._under_way[node]

    def cut(self, node: str) -> None:
        """Abort every response with pictures of a node."""
        for abort in list(self._under_way.get(node, ())):
            abort()
