"""The one table of routes. A route says what right it needs, or it does not exist: the router knows no default."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

Right = Literal["public", "view", "control"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One way in.

    Attributes:
        method: ``GET`` or ``POST``.
        path: In aiohttp's notation, e.g. ``/media/{id}``.
        right: ``public`` (nobody is asked), ``view`` (pictures and states) or ``control`` (changes something).
        handler: Answers.
        signed: An expiring signed link opens it too.
    """

    method: Literal["GET", "POST"]
    path: str
    right: Right
    handler: Handler
    signed: bool = False


_TABLE: list[Route] = []


def route(
    method: Literal["GET", "POST"], path: str, right: Right, *, signed: bool = False
) -> Callable[[Handler], Handler]:
    """Declare the route that the decorated handler answers."""

    def declare(handler: Handler) -> Handler:
        if any((r.method, r.path) == (method, path) for r in _TABLE):
            raise ValueError(f"{method} {path} is declared twice")
        _TABLE.append(Route(method, path, right, handler, signed))
        return handler

    return declare


def declared() -> tuple[Route, ...]:
    """Return every route that has been declared."""
    return tuple(_TABLE)
