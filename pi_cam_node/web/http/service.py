"""Serves a web application: binds the port, with retries, and runs the server until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.port_advice import advice
from pi_cam_node.web.http import sockets as listening

if TYPE_CHECKING:
    from aiohttp import web

_log = logging.getLogger(__name__)

FIRST_WAIT_S, WAIT_MAX_S = 1.0, 60.0


@frozen
class Endpoint:
    """Listening address of a server, and its public address.

    Attributes:
        host: Address or name to listen on.
        port: Its port; 0 for any that is free.
        cert: File with the certificate; ``None`` without TLS.
        key: File with its private key.
        public_url: Base address of links; empty: the address that is served.
        names: Further host names of the server.
        is_behind_proxy: Whether clients connect through a reverse proxy, which may provide TLS.
        title: Name for the log.
        settings: Names of the settings for host, port and their section, for advice in the log.
    """

    host: str
    port: int
    cert: Path | None = None
    key: Path | None = None
    public_url: str = ""
    names: Sequence[str] = ()
    is_behind_proxy: bool = False
    title: str = "the live view"
    settings: tuple[str, str, str] = ("http.host", "mjpeg_server.port", "http")


class Program(Protocol):
    """Web application that a service runs."""

    @property
    def endpoint(self) -> Endpoint:
        """Listening address and public address."""
        ...

    def prepare(self) -> None:
        """Read credentials and other files. Thread: an executor. Called before each attempt to bind the port.

        Raises:
            OSError, ValueError: A file cannot be read; retried later.
        """
        ...

    def load(self) -> None:
        """Import the application's modules. Thread: an executor. Called when the first client has connected."""
        ...

    def application(self) -> web.Application:
        """Return the application, made with `application.application`. Thread: the event loop's."""
        ...


class HttpService:
    """One run of an HTTP server. Thread: the event loop's, except the properties.

    Attributes:
        url: Its address, even if only this machine can reach it; ``None`` while it does not serve.
        public_url: Its address for other machines; ``None`` if they cannot reach it.
        tls_sha256: SHA-256 of the certificate's DER, in hex; empty without TLS.
    """

    def __init__(self, program: Program, on_address: Callable[[str | None], None] = lambda _url: None) -> None:
        """Create a service that does not serve yet.

        Args:
            program: The application.
            on_address: Called with `public_url` whenever that or `url` changes. Thread: the event loop's.
        """
        self._program, self._on_address = program, on_address
        self._stopped = asyncio.Event()
        self._wait_s = FIRST_WAIT_S
        self._trouble = ""
        self.url: str | None = None
        self.public_url: str | None = None
        self.tls_sha256 = ""

    @property
    def is_in_trouble(self) -> bool:
        """Whether the service has failed to serve and has logged why. Thread: any."""
        return bool(self._trouble)

    def stop(self) -> None:
        """Request the stop."""
        self._stopped.set()

    async def run(self) -> None:
        """Serve until `stop`; failures to start are logged once and retried."""
        while not self._stopped.is_set():
            try:
                await self._serve()
            except (OSError, ValueError, ImportError) as error:
                self._complain(error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), self._wait_s)
                self._wait_s = min(WAIT_MAX_S, 2 * self._wait_s)

    async def _serve(self) -> None:
        endpoint, loop = self._program.endpoint, asyncio.get_running_loop()
        await loop.run_in_executor(None, self._program.prepare)
        tls = await loop.run_in_executor(None, listening.tls_context, endpoint.cert, endpoint.key)
        self.tls_sha256 = await loop.run_in_executor(None, listening.fingerprint, endpoint.cert if tls else None)
        sockets = await loop.run_in_executor(None, listening.bound, endpoint.host, endpoint.port)
        try:
            self._opened(endpoint, sockets[0], is_secure=tls is not None)
            if not await listening.wait_for_first_client(sockets, self._stopped):
                return
            # aiohttp takes 12 MiB and, on a small board, seconds to import; where only MQTT is used it is never needed.
            await loop.run_in_executor(None, importlib.import_module, "pi_cam_node.web.http.engine")
            await loop.run_in_executor(None, self._program.load)
            from pi_cam_node.web.http.engine import serve  # noqa: PLC0415 - imported just now, beside the loop

            await serve(self._program.application(), sockets, tls, self._stopped)
        finally:
            self._set_address(None, None)
            for sock in sockets:
                sock.close()

    def _opened(self, endpoint: Endpoint, sock: socket.socket, *, is_secure: bool) -> None:
        self._trouble, self._wait_s = "", FIRST_WAIT_S
        self._set_address(*addresses(endpoint, int(sock.getsockname()[1]), is_secure=is_secure))
        _log.info("%s is at %s", endpoint.title, self.url)
        is_open = self.public_url is not None and not listening.is_loopback(endpoint.host)
        if is_open and not is_secure and not endpoint.is_behind_proxy:
            _log.warning("%s is not encrypted; token and pictures can be read on the network", endpoint.title)

    def _set_address(self, url: str | None, public_url: str | None) -> None:
        is_news = (url, public_url) != (self.url, self.public_url)
        self.url, self.public_url = url, public_url
        if is_news:
            self._on_address(public_url)

    def _complain(self, error: Exception) -> None:
        host, port, section = self._program.endpoint.settings
        remedy = advice(error, host, port) if isinstance(error, OSError) else f"check the section {section}"
        text = f"{self._program.endpoint.title} is not served: {error}; {remedy}"
        if text != self._trouble:
            self._trouble = text
            _log.error("%s; trying again", text)


def addresses(endpoint: Endpoint, port: int, *, is_secure: bool) -> tuple[str, str | None]:
    """Return the server's address for this machine, and for others (``None``: unreachable)."""
    host, scheme = endpoint.host, "https" if is_secure else "http"
    if listening.is_loopback(host):
        return f"{scheme}://{_in_url(host)}:{port}", endpoint.public_url or None
    if endpoint.public_url:
        return f"{scheme}://{_in_url('127.0.0.1' if host in listening.WILDCARDS else host)}:{port}", endpoint.public_url
    names = [] if endpoint.is_behind_proxy else endpoint.names
    reached = next(iter(names), None) or (listening.outward_address() if host in listening.WILDCARDS else host)
    if reached is None:
        return f"{scheme}://{_in_url('127.0.0.1')}:{port}", None
    url = f"{scheme}://{_in_url(reached)}:{port}"
    return url, url


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
