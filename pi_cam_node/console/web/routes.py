"""Route table of the console, and what handlers need: context, account, rights."""

from __future__ import annotations

import functools
from collections.abc import Callable

from aiohttp import web

from pi_cam_node.console.accounts import rights
from pi_cam_node.console.accounts.rights import Permission
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.store.accounts import Account, Session
from pi_cam_node.console.store.database import StoreUnavailable
from pi_cam_node.web.http.routes import Handler, Method, Right, RouteTable, app_key, request_key

ROUTES = RouteTable()

CONTEXT = app_key("console", ConsoleContext)
_ACCOUNT, _SESSION = request_key("account", Account), request_key("session", Session)
_SIGNED = request_key("signed", bool)


def route(
    method: Method, path: str, right: Right, *, signed: bool = False, scraper: bool = False
) -> Callable[[Handler], Handler]:
    """Declare a route; errors of the database become a 503 with a text."""

    def declare(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def worded(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except StoreUnavailable as error:
                raise web.HTTPServiceUnavailable(text=f"{error}\n", headers={"Retry-After": "5"}) from None

        return ROUTES.route(method, path, right, signed=signed, scraper=scraper)(worded)

    return declare


def owner_route(method: Method, path: str) -> Callable[[Handler], Handler]:
    """Declare a route for owners only."""

    def declare(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def checked(request: web.Request) -> web.StreamResponse:
            require(request, "own")
            return await handler(request)

        # A page that is not theirs is refused to guests by the handler: as a page, with a way back.
        return route(method, path, "view" if method == "GET" else "control")(checked)

    return declare


def context_of(request: web.Request) -> ConsoleContext:
    """Return the context of the console."""
    return request.app[CONTEXT]


def identify(request: web.Request, account: Account, session: Session) -> None:
    """Attach the account to a request."""
    request[_ACCOUNT], request[_SESSION] = account, session


def mark_signed(request: web.Request) -> None:
    """Mark a request as opened by a signed link."""
    request[_SIGNED] = True


def is_signed(request: web.Request) -> bool:
    """Tell whether a signed link opened a request."""
    return request.get(_SIGNED) is True


def account_or_none(request: web.Request) -> Account | None:
    """Return the account of a request; ``None`` without a login."""
    return request.get(_ACCOUNT)


def account_of(request: web.Request) -> Account:
    """Return the account of a request.

    Raises:
        web.HTTPUnauthorized: The request has no login.
    """
    account = account_or_none(request)
    if account is None:
        raise web.HTTPUnauthorized(text="log in\n")
    return account


def session_of(request: web.Request) -> Session | None:
    """Return the session of a request."""
    return request.get(_SESSION)


def require(request: web.Request, permission: Permission, camera: str | None = None) -> Account:
    """Return the account of a request, if it has a right, and for a camera if one is named.

    Raises:
        web.HTTPForbidden: The account does not have the right.
        web.HTTPNotFound: The account may not see the camera.
    """
    account = account_of(request)
    if not rights.may(account, permission):
        raise web.HTTPForbidden(text="this account may not do that\n")
    if camera is not None and not rights.may(account, permission, camera):
        raise web.HTTPNotFound(text="there is no such camera\n")
    return account


def node_of(request: web.Request, permission: Permission = "view") -> Node:
    """Return the node of a path, if the account has a right for it; a signed link grants viewing.

    Raises:
        web.HTTPException: The account does not have the right, or there is no such node.
    """
    camera = request.match_info["camera"]
    if not (permission == "view" and is_signed(request)):
        require(request, permission, camera)
    node = context_of(request).nodes.get(camera)
    if node is None:
        raise web.HTTPNotFound(text="there is no such camera\n")
    return node


def visible(request: web.Request) -> list[Node]:
    """Return the nodes that the account may see, by name."""
    account = account_of(request)
    return [node for node in context_of(request).nodes if rights.may(account, "view", node.id)]
