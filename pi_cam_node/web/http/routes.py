"""Declaration of routes, and typed keys for what their handlers need. Every route names its right; there is no default.

Each program has a `RouteTable` of its own, so that two of them can use the same foundation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from aiohttp import web

from pi_cam_node.base.frozen import frozen

Method = Literal["GET", "POST", "DELETE"]
Right = Literal["public", "view", "control"]
Kept = TypeVar("Kept")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@frozen
class Need:
    """Right that a request needs. The default is that of unknown paths: only full rights reveal which paths exist.

    Attributes:
        right: ``public`` (no credential), ``view`` (pictures and states) or ``control`` (changes something).
        signed: An expiring signed link opens it too.
        page: A page for people: without a credential it leads to the login.
        scraper: A token for programs that collect figures opens it too, where the server has one.
    """

    right: Right = "control"
    signed: bool = False
    page: bool = False
    scraper: bool = False


@frozen
class Described:
    """Description of a route for the OpenAPI document, beside its right.

    Attributes:
        content: Media types of the answer.
        model: Type of a JSON answer, e.g. a pydantic model, or a list of one.
        query: Schema and description of each parameter of the query, by name.
        body: Type of the body.
        forms: Media types of the body.
        refusals: Further statuses and what they mean.
    """

    content: tuple[str, ...] = ("text/plain",)
    model: Any = None
    query: Mapping[str, tuple[Mapping[str, Any], str]] = field(default_factory=dict)
    body: Any = None
    forms: tuple[str, ...] = ("application/json",)
    refusals: Mapping[int, str] = field(default_factory=dict)


JSON = ("application/json",)


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Route: one method of one path.

    Attributes:
        method: The HTTP method; ``HEAD`` comes with ``GET``.
        path: In aiohttp's notation, e.g. ``/media/{id}``.
        need: What a request must bring.
        handler: Answers.
        described: Its description for the OpenAPI document.
    """

    method: Method
    path: str
    need: Need
    handler: Handler
    described: Described = field(default_factory=Described)


class RouteTable:
    """The routes of one program, in the order of their declaration."""

    def __init__(self) -> None:
        self._routes: dict[tuple[Method, str], Route] = {}

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes.values())

    def __len__(self) -> int:
        return len(self._routes)

    def route(
        self,
        method: Method,
        path: str,
        right: Right,
        described: Described | None = None,
        *,
        signed: bool = False,
        page: bool = False,
        scraper: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare the route that the decorated handler answers.

        Raises:
            ValueError: It is declared already.
        """
        told = described or Described()

        def declare(handler: Handler) -> Handler:
            if (method, path) in self._routes:
                raise ValueError(f"{method} {path} is declared twice")
            self._routes[method, path] = Route(method, path, Need(right, signed, page, scraper), handler, told)
            return handler

        return declare


def app_key(name: str, kind: type[Kept]) -> web.AppKey[Kept]:
    """Return a key for a value of type ``kind`` in an application.

    aiohttp 3.8, which Debian 12 has, knows plain strings only; later versions warn of them.
    """
    return web.AppKey(name, kind) if hasattr(web, "AppKey") else cast("web.AppKey[Kept]", name)


def request_key(name: str, kind: type[Kept]) -> web.RequestKey[Kept]:
    """Return the same for a value in a request."""
    return web.RequestKey(name, kind) if hasattr(web, "RequestKey") else cast("web.RequestKey[Kept]", name)
