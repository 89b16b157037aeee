"""Notifies open pages of changed parts, which they fetch again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

PARTS_MAX = 200


class Listener:
    """An open page that receives changes."""

    def __init__(self) -> None:
        self._parts: dict[str, None] = {}
        self._news = asyncio.Event()

    def tell(self, part: str) -> None:
        """Queue the name of a changed part; sent once, however often it changed meanwhile."""
        if len(self._parts) < PARTS_MAX:
            self._parts[part] = None
        self._news.set()

    async def next(self, limit_s: float) -> list[str]:
        """Wait for changed parts and return them; empty after ``limit_s``."""
        try:
            await asyncio.wait_for(self._news.wait(), limit_s)
        except TimeoutError:
            return []
        self._news.clear()
        parts, self._parts = list(self._parts), {}
        return parts


class Changes:
    """Open pages that receive changes. Thread: the loop's."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def tell(self, part: str) -> None:
        """Notify pages of a changed part: ``nodes``, ``node-<id>``, ``events``, ``sensors``, ``health``, ``mode``."""
        for listener in self._listeners:
            listener.tell(part)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Register a listener within the ``with`` block."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
