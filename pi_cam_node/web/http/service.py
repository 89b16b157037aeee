"""Serving, from the first try to have the port to the last connection."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import socket
from pathlib import Path

from pi_cam_node.config import Config
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.auth.signed_links import SignedLinks
from pi_cam_node.web.auth.token import FILE_NAME, Token, read_or_make
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http import sockets as listening

_log = logging.getLogger(__name__)

FIRST_WAIT_S, WAIT_MAX_S = 1.0, 60.0


class HttpService:
    """One life of the server. Thread: the web server's, but for the properties.

    Attributes:
        url: Where it serves, also when that is this machine only; ``None`` while it does not.
        public_url: The same, for others; ``None`` where others cannot reach it.
    """

    def __init__(self, site: WebContext, links: SignedLinks) -> None:
        self._site = site
        self._links = links
        self._stopped = asyncio.Event()
        self._waits_s = FIRST_WAIT_S
        self._said = ""
        self.url: str | None = None
        self.public_url: str | None = None

    @property
    def is_in_trouble(self) -> bool:
        """Whether something keeps it from serving, which has been said. Thread: any."""
        return bool(self._said)

    def stop(self) -> None:
        """Ask for the end."""
        self._stopped.set()

    async def run(self) -> None:
        """Serve until `stop`; what keeps it from serving is said once and tried again."""
        while not self._stopped.is_set():
            try:
                await self._serve()
            except (OSError, ValueError, ImportError) as error:
                self._complain(error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), self._waits_s)
                self._waits_s = min(WAIT_MAX_S, 2 * self._waits_s)

    async def _serve(self) -> None:
        config, loop = self._site.state.config, asyncio.get_running_loop()
        token = await loop.run_in_executor(None, _token_for, config)
        tls = await loop.run_in_executor(None, listening.context_for, config.http.tls)
        proxies = Proxies(config.http.trusted_proxies)
        sockets = await loop.run_in_executor(None, listening.bound, config.http.host, config.mjpeg_server.port)
        try:
            self._opened(config, sockets[0], is_secure=tls is not None)
            if not await listening.wait_for_first_client(sockets, self._stopped):
                return
            # aiohttp takes 12 MiB and, on a small board, seconds to import; where only MQTT is used nobody ever comes.
            await loop.run_in_executor(None, importlib.import_module, "pi_cam_node.web.http.engine")
            from pi_cam_node.web.http.engine import Listener, serve  # noqa: PLC0415 - imported just now, beside the loop

            await serve(Listener(sockets, tls, token, proxies, self._links), self._site, self._stopped)
        finally:
            self.url = self.public_url = None
            for sock in sockets:
                sock.close()

    def _opened(self, config: Config, sock: socket.socket, *, is_secure: bool) -> None:
        self._said, self._waits_s = "", FIRST_WAIT_S
        self.url, self.public_url = addresses(config, int(sock.getsockname()[1]), is_secure=is_secure)
        _log.info("the live view is at %s", self.url)
        if self.public_url is not None and not is_secure and not config.http.trusted_proxies:
            _log.warning("the live view is not encrypted; whoever listens on the network can read token and pictures")

    def _complain(self, error: Exception) -> None:
        advice = listening.advice(error) if isinstance(error, OSError) else "check the section http"
        said = f"the live view is not served: {error}; {advice}"
        if said != self._said:
            self._said = said
            _log.error("%s; trying again", said)


def _token_for(config: Config) -> Token | None:
    """Return the token, ``None`` where only this machine can reach us and nobody named one.

    Behind a proxy the whole world looks like this machine.
    """
    http = config.http
    if http.token_file is None and not http.trusted_proxies and listening.is_loopback(http.host):
        return None
    return read_or_make(token_path(config))


def token_path(config: Config) -> Path:
    """Return where the token is."""
    return config.http.token_file or config.export.base_dir / FILE_NAME


def addresses(config: Config, port: int, *, is_secure: bool) -> tuple[str, str | None]:
    """Return where the server is found on this machine, and by others (``None``: not at all)."""
    host = config.http.host
    scheme = "https" if is_secure else "http"
    if listening.is_loopback(host):
        return f"{scheme}://{_in_url(host)}:{port}", None
    names = [] if config.http.trusted_proxies else config.http.allowed_hosts
    reached = next(iter(names), None) or (listening.outward_address() if host in listening.WILDCARDS else host)
    if reached is None:
        return f"{scheme}://{_in_url('127.0.0.1')}:{port}", None
    url = f"{scheme}://{_in_url(reached)}:{port}"
    return url, url


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
