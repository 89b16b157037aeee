"""Middleware of every request, known path or not: authorization, reading the body, errors, completion."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from pi_cam_node.base.errors import Busy, DeadlinePassed, PrivacyOn
from pi_cam_node.web.http.connection import Connection
from pi_cam_node.web.http.routes import Need, Route
from pi_cam_node.web.http.status_codes import status_of

_log = logging.getLogger(__name__)

BODY_DEADLINE_S = 10.0


class Middleware(Protocol):
    """Type of an aiohttp middleware; aiohttp 3.8 has no name for it."""

    def __call__(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Answer a request."""
        ...


class Gate(Protocol):
    """Admits or refuses requests."""

    def admit(self, request: web.Request, need: Need) -> None:
        """Authorize a request.

        Raises:
            web.HTTPException: It may not, or not yet.
        """
        ...


def guard(gate: Gate, declared: Mapping[web.AbstractRoute, Route]) -> Middleware:
    """Return the middleware.

    Args:
        gate: The rules.
        declared: The declaration of each route; one that has none needs every right.
    """

    @web.middleware
    async def pass_guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.protocol
        if not isinstance(connection, Connection):
            raise TypeError(f"a request came by a {type(connection).__name__}, which bounds nothing")
        connection.request_started()
        try:
            return await _judge(request, handler, gate, declared.get(request.match_info.route))
        except ConnectionError as error:
            _log.debug("%s has gone: %s", connection.address, error)
            connection.force_close()
            return web.Response(status=400)  # the client has gone; nothing is sent
        finally:
            connection.request_finished()

    return pass_guard


async def refuse_second_answer(request: web.Request, _response: web.StreamResponse) -> None:
    """Cut the connection where another answer to the request has begun.

    A signal handler of aiohttp, called before the head of an answer is sent.

    Raises:
        ConnectionAbortedError: One has begun.
    """
    if isinstance(request.protocol, Connection):
        request.protocol.answer_begins()


async def _judge(request: web.Request, handler: Handler, gate: Gate, route: Route | None) -> web.StreamResponse:
    """Answer an admitted request, or refuse it.

    Raises:
        web.HTTPException: It was refused, and the refusal is sent.
        ConnectionError: The client went before it had all of the answer, or of the refusal.
    """
    try:
        await _admit(request, gate, route)
        is_public = route is not None and route.need.right == "public"
        if isinstance(request.protocol, Connection) and not is_public:
            request.protocol.request_allowed()
        return await _answer(request, handler)
    except web.HTTPException as refusal:
        await _send(request, refusal)
        raise


async def _admit(request: web.Request, gate: Gate, route: Route | None) -> None:
    """Authorize a request, and read the rest of it.

    Raises:
        web.HTTPException: It may not, or what it brings is not wanted.
        ConnectionError: It has gone.
    """
    gate.admit(request, route.need if route else Need())
    if route is not None and route.method == "POST":
        await _take_body(request, is_api=route.path.startswith("/api/"))


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the response when all of it has been sent, so that the connection counts as served until then."""
    try:
        response = await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception as error:
        response = _failure(request, error)
    await _send(request, response)
    return response


async def _send(request: web.Request, response: web.StreamResponse) -> None:
    await response.prepare(request)
    await response.write_eof()


async def _take_body(request: web.Request, *, is_api: bool) -> None:
    """Read the body, of a bounded size, in a bounded time; a page of another site can send no JSON without asking.

    Raises:
        web.HTTPException: It is too large, too slow, or of the wrong kind.
        ConnectionError: The connection was closed before all of it came.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType(text="send it without Content-Encoding\n")
    has_type = "Content-Type" in request.headers
    if is_api and has_type and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json\n")
    try:
        body = await asyncio.wait_for(request.read(), BODY_DEADLINE_S)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not come in time\n") from None
    except RuntimeError as error:  # so aiohttp says that the connection was closed, e.g. because the body is too large
        raise ConnectionResetError(str(error)) from error
    if is_api and body and not has_type:
        raise web.HTTPUnsupportedMediaType(text="send application/json\n")


def _failure(request: web.Request, error: Exception) -> web.Response:
    """Return what a client gets to know of an error; the log has the rest."""
    if isinstance(error, Busy):
        return web.Response(status=503, text=f"{error}\n", headers={"Retry-After": "5"})
    if isinstance(error, DeadlinePassed):
        return web.Response(status=504, text=f"{error}\n")
    if isinstance(error, PrivacyOn):
        return web.Response(status=status_of(error.code), text=f"{error.code}: {error.text}\n")
    _log.error("%s %s failed", request.method, request.path, exc_info=error)
    return web.Response(status=500, text="internal error; the log has more\n")
