"""Route declarations, and typed keys for data of applications and requests. Every route names its right.

Node and console each have their own `RouteTable`.
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
    """Right that a route requires. The default applies to unknown paths: only full rights reveal which paths exist.

    Attributes:
        right: ``public`` (no credential), ``view`` (pictures and states) or ``control`` (changes something).
        signed: A signed link opens it too.
        page: A page for people: without a credential, redirect to the login.
        scraper: The metrics token opens it too.
    """

    right: Right = "control"
    signed: bool = False
    page: bool = False
    scraper: bool = False


@frozen
class Described:
    """Description of a route for the OpenAPI document.

    Attributes:
        content: Media types of the response.
        model: Type of a JSON response, e.g. a pydantic model, or a list of one.
        query: Schema and description of query parameters by name.
        body: Type of the body.
        forms: Media types of the body.
        refusals: Further statuses with their meaning.
    """

    content: tuple[str, ...] = ("text/plain",)
    model: Any = None
    query: Mapping[str, tuple[Mapping[str, Any], str]] = field(default_factory=dict)
    body: Any = None
    forms: tuple[str, ...] = ("application/json",)
    refusals: Mapping[int, str] = field(default_factory=dict)


JSON = ("application/json",)
# Refusals of a route whose responses carry an ETag, and of one that waits for the node thread or the disk.
NOT_MODIFIED = {304: "The copy that `If-None-Match` or `If-Modified-Since` names is current."}
OVERLOADED = {503: "Too many requests are waiting.", 504: "The answer did not come in time."}


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A route: one method of one path.

    Attributes:
        method: The HTTP method; ``HEAD`` comes with ``GET``.
        path: In aiohttp's notation, e.g. ``/media/{id}``.
        need: Required right.
        handler: Handles requests.
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
        """Declare the decorated function as the handler of a route.

        Raises:
            ValueError: The route is declared already.
        """
        told = described or Described()

        def declare(handler: Handler) -> Handler:
            if (method, path) in self._routes:
                raise ValueError(f"{method} {path} is declared twice")
            self._routes[method, path] = Route(method, path, Need(right, signed, page, scraper), handler, told)
            return handler

        return declare


def app_key(name: str, kind: type[Kept]) -> web.AppKey[Kept]:
    """Return a key for storing a value of type ``kind`` in an application.

    aiohttp 3.8 (Debian 12) knows plain strings only, of which later versions warn.
    """
    return web.AppKey(name, kind) if hasattr(web, "AppKey") else cast("web.AppKey[Kept]", name)


def request_key(name: str, kind: type[Kept]) -> web.RequestKey[Kept]:
    """Return the same for a value in a request."""
    return web.RequestKey(name, kind) if hasattr(web, "RequestKey") else cast("web.RequestKey[Kept]", name)
