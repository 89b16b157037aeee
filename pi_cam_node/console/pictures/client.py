"""HTTP client for nodes; its credential is a ticket requested over MQTT, which grants pictures and nothing else."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import NodeError
from pi_cam_node.base.strict_json import json_object
from pi_cam_node.console.broker.requests import Requests
from pi_cam_node.console.nodes.node import Node

_log = logging.getLogger(__name__)

HTTP_CONNECT_TIMEOUT_S = 5.0
HTTP_READ_TIMEOUT_S = 10.0
TICKET_TTL_S = 3600
# A ticket is renewed this long before it expires.
TICKET_MARGIN_S = 120.0
REACHED_FOR_S = 300.0
NOT_REACHED_FOR_S = 20.0
STATE_MAX_BYTES = 1 << 20
# Characters of a bearer token (RFC 6750, section 2.1); others could end the header.
_TICKET = re.compile(r"[A-Za-z0-9._~+/=-]{1,1024}", re.ASCII)


class Unreachable(NodeError, OSError):
    """A node's pictures cannot be fetched; the message says why."""

    code = "camera_down"


@dataclass(slots=True)
class _Known:
    """Address, boot id and ticket of a node, with their expiry, and whether the address ever answered."""

    url: str
    boot: str
    ticket: str = ""
    ticket_until_s: float = 0.0
    checked_until_s: float = 0.0
    why: str = ""
    was_reached: bool = False


class NodeClient:
    """HTTP client for pictures of the nodes. Thread: the loop's.

    Args:
        requests: Asks nodes over MQTT.
        clock: Tells the time.
    """

    def __init__(self, requests: Requests, clock: Clock) -> None:
        self._requests = requests
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._session: aiohttp.ClientSession | None = None

    async def check(self, node: Node) -> None:
        """Check that the node answers at its published address with its published boot id.

        Raises:
            Unreachable: It does not answer, or another node does.
        """
        async with self._locks.setdefault(node.id, asyncio.Lock()):
            known = self._of(node)
            if self._clock.monotonic() >= known.checked_until_s:
                await self._look(node, known)
            if known.why:
                raise Unreachable(known.why)

    def why(self, node: Node) -> str:
        """Return why the node's pictures could not be fetched last time; empty if they could."""
        known = self._known.get(node.id)
        return known.why if known is not None else ""

    def forget(self, node_id: str) -> None:
        """Drop the ticket and address of a node."""
        self._known.pop(node_id, None)
        self._locks.pop(node_id, None)

    @asynccontextmanager
    async def get(
        self, node: Node, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET request to a node; an expired ticket is renewed once.

        Raises:
            Unreachable: No response came, or it broke off.
        """
        await self.check(node)
        known = self._of(node)
        try:
            async with self._ask(node, path, known.ticket, headers or {}) as answer:
                if answer.status != 401:
                    yield answer
                    return
            known.ticket, known.checked_until_s = "", 0.0
            await self.check(node)
            async with self._ask(node, path, known.ticket, headers or {}) as answer:
                yield answer
        except (TimeoutError, aiohttp.ClientError) as error:
            if isinstance(error, ConnectionError):  # the browser to which the response is relayed has disconnected
                raise
            known.checked_until_s = 0.0
            raise Unreachable(f"{node.url} does not answer: {_said(error)}") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _of(self, node: Node) -> _Known:
        known = self._known.get(node.id)
        if known is None or (known.url, known.boot) != (node.url, node.boot):
            known = self._known[node.id] = _Known(node.url, node.boot)
        return known

    async def _look(self, node: Node, known: _Known) -> None:
        known.why = ""
        try:
            _refuse_silent(node)
            await self._renew_ticket(node, known)
            await self._compare_boot(node, known)
            known.was_reached = True
        except Unreachable as error:
            known.why = str(error)
        now_s = self._clock.monotonic()
        until_s = now_s + (NOT_REACHED_FOR_S if known.why else REACHED_FOR_S)
        if known.ticket:
            until_s = min(until_s, max(now_s + 1, known.ticket_until_s - TICKET_MARGIN_S))
        known.checked_until_s = until_s

    async def _renew_ticket(self, node: Node, known: _Known) -> None:
        now_s = self._clock.monotonic()
        if "ticket" not in node.commands or (known.ticket and now_s < known.ticket_until_s - TICKET_MARGIN_S):
            return
        try:
            reply = await self._requests.ask(node.id, "ticket", {"ttl_s": TICKET_TTL_S}, 5.0)
        except NodeError as error:
            raise Unreachable(f"The node hands out no ticket: {error}") from error
        data = reply.get("data")
        ticket = data.get("ticket") if isinstance(data, dict) else None
        if not reply.get("ok") or not isinstance(ticket, str) or not _TICKET.fullmatch(ticket):
            raise Unreachable(f"The node hands out no ticket: {reply.get('message', '')}")
        known.ticket, known.ticket_until_s = ticket, now_s + TICKET_TTL_S

    async def _compare_boot(self, node: Node, known: _Known) -> None:
        """Compare boot ids: a node's published loopback address leads to this machine, perhaps to another node."""
        try:
            async with self._ask(node, "/api/state", known.ticket, {}) as answer:
                raw = await body_of(answer, STATE_MAX_BYTES) if answer.status == 200 else b""
                if answer.status in {401, 403}:
                    raise Unreachable(f"{node.url} asks for a token, and the node hands out no ticket for it.")
                body = json_object(raw)
        except (TimeoutError, aiohttp.ClientError, ssl.SSLError) as error:
            raise Unreachable(_advice(node, error, was_reached=known.was_reached)) from error
        told = body.get("node")
        boot = (told.get("boot") if isinstance(told, dict) else None) or body.get("boot")
        if boot != node.boot:
            raise Unreachable(f"{node.url} is answered by something else than this node. {_OPEN_IT}")

    @asynccontextmanager
    async def _ask(
        self, node: Node, path: str, ticket: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(
                total=None, sock_connect=HTTP_CONNECT_TIMEOUT_S, sock_read=HTTP_READ_TIMEOUT_S
            )
            connector = aiohttp.TCPConnector(limit=64, limit_per_host=8)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False)
        sent = {**headers, "Accept-Encoding": "identity"}
        if ticket:
            sent["Authorization"] = f"Bearer {ticket}"
        async with self._session.get(node.url + path, headers=sent, ssl=_pinned(node), allow_redirects=False) as answer:
            yield answer


async def body_of(answer: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    """Return the body of a response; empty if it is longer than the limit.

    Raises:
        aiohttp.ClientError: The connection broke within the body.
    """
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            return b""
    return bytes(body)


_OPEN_IT = "Set http.host of the node to an address that this machine can reach, and restart it."


def _refuse_silent(node: Node) -> None:
    if not node.url:
        raise Unreachable("The node does not say where its pictures can be fetched.")


def _pinned(node: Node) -> aiohttp.Fingerprint | bool:
    """Return how to verify the node's certificate: by its fingerprint from MQTT, else by the system's CAs."""
    try:
        return aiohttp.Fingerprint(bytes.fromhex(node.tls_sha256)) if node.tls_sha256 else True
    except ValueError:
        return True


def _advice(node: Node, error: Exception, *, was_reached: bool) -> str:
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return f"The certificate at {node.url} is not the one that the node told on the broker."
    # A loopback address that accepts the connection, or answered before, is a node here, busy or stopped.
    is_refused = isinstance(error, aiohttp.ClientConnectorError)
    if is_refused and not was_reached and ("//127." in node.url or "//localhost" in node.url or "//[::1]" in node.url):
        return f"The node serves its pictures to its own machine only. {_OPEN_IT}"
    return f"{node.url} does not answer: {_said(error)}"


def _said(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno or 0  # negative: of a name that is not found
        return os.strerror(number) if number > 0 else error.os_error.strerror or "nothing listens there"
    return str(error)[:120] or type(error).__name__
