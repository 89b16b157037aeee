"""The node's web application, served by `web.http.service`: endpoint, token and routes."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pi_cam_node.config import Config
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.web.auth.allowed_hosts import AllowedHosts
from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.auth.sessions import Sessions
from pi_cam_node.web.auth.token import FILE_NAME, Token, read_or_make
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http.service import Endpoint
from pi_cam_node.web.http.sockets import is_loopback

if TYPE_CHECKING:
    from aiohttp import web

# Lifetime of a link from `pi-cam-node login`.
LOGIN_LINK_S = 600.0


class NodeProgram:
    """Web application of a node: live view, API and pages."""

    def __init__(self, context: WebContext, tickets: Tickets) -> None:
        self._context = context
        self._tickets = tickets
        self._token: Token | None = None
        self.endpoint = endpoint_of(context.state.config)

    def prepare(self) -> None:
        """Read or create the token. Thread: an executor.

        Raises:
            OSError, ValueError: It can be neither read nor created.
        """
        config = self._context.state.config
        self._token = read_or_make(token_path(config)) if needs_token(config) else None

    def load(self) -> None:
        """Import aiohttp and every handler. Thread: an executor."""
        importlib.import_module("pi_cam_node.web.application")

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        from pi_cam_node.web.application import application  # noqa: PLC0415 - see `load`
        from pi_cam_node.web.auth.access import Access  # noqa: PLC0415

        config, clock = self._context.state.config, self._context.clock
        access = Access(
            token=self._token,
            links=self._context.links,
            sessions=Sessions(clock),
            lockout=Lockout(clock),
            proxies=Proxies(config.http.trusted_proxies),
            hosts=AllowedHosts(
                [*config.http.allowed_hosts, config.http.host, urlsplit(config.http.public_url).hostname or ""]
            ),
            cookie=f"session_{config.node.id}",
            tickets=self._tickets.is_valid,
            public_url=config.http.public_url,
        )
        return application(self._context, access)


def endpoint_of(config: Config) -> Endpoint:
    """Return the listening and public address from the settings."""
    http, has_tls = config.http, config.http.tls.enable
    return Endpoint(
        host=http.host,
        port=config.mjpeg_server.port,
        cert=http.tls.cert if has_tls else None,
        key=http.tls.key if has_tls else None,
        names=http.allowed_hosts,
        public_url=http.public_url,
        is_behind_proxy=bool(http.trusted_proxies),
    )


def needs_token(config: Config) -> bool:
    """Tell whether a credential is required: unless the server listens on loopback only and no token file is set.

    It is required behind a proxy, whose clients all appear as this machine.
    """
    http = config.http
    return http.token_file is not None or bool(http.trusted_proxies) or not is_loopback(http.host)


def token_path(config: Config) -> Path:
    """Return the path of the token file."""
    return config.http.token_file or config.export.base_dir / FILE_NAME
