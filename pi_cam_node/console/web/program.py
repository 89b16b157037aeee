"""The console's web application, served by `web.http.service`."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pi_cam_node.console import authority
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.web.auth.allowed_hosts import AllowedHosts
from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.auth.token import Token, read_or_make
from pi_cam_node.web.http.service import Endpoint

if TYPE_CHECKING:
    from aiohttp import web

_log = logging.getLogger(__name__)

METRICS_FILE = "metrics-token"
LOOPBACK = ("127.0.0.0/8", "::1/128")


class ConsolePages:
    """Web application of the console and its endpoint."""

    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._scraper: Token | None = None
        console = context.loaded.config.console
        has_tls = console.tls.enable
        self.endpoint = Endpoint(
            host=console.host,
            port=console.port,
            cert=console.tls.cert if has_tls else None,
            key=console.tls.key if has_tls else None,
            is_behind_proxy=bool(console.public_url or console.trusted_proxies),
            title="the console",
            settings=("console.host", "console.port", "console"),
        )

    def prepare(self) -> None:
        """Write the set-up link if there is no owner, and read the metrics token.

        Thread: an executor.

        Raises:
            OSError: The link cannot be written, or the certificate cannot be read.
            ValueError: The certificate is invalid.
        """
        context = self._context
        if self.endpoint.cert is not None:
            left = authority.ends_of(self.endpoint.cert) - context.clock.utcnow()
            if left.days < authority.RENEW_DAYS:
                _log.warning("the certificate ends in %d days; `pi-cam-node console ca` renews its own", left.days)
        try:
            self._scraper = read_or_make(
                context.loaded.config.console.base_dir / METRICS_FILE, "a new token for GET /metrics"
            )
        except (OSError, ValueError) as error:
            _log.error("GET /metrics accepts no token until the console restarts: %s", error)
        if context.accounts.has_owner:
            context.setup.close()
        else:
            context.setup.open(context.loaded.base_url)

    def load(self) -> None:
        """Import aiohttp's server and every handler, and compress the static files. Thread: an executor."""
        importlib.import_module("pi_cam_node.console.web.application")
        importlib.import_module("pi_cam_node.console.web.files").files()

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        from pi_cam_node.console.web.application import application  # noqa: PLC0415 - see `load`
        from pi_cam_node.console.web.gate import ConsoleGate  # noqa: PLC0415

        context = self._context
        console = context.loaded.config.console
        public = urlsplit(console.public_url).hostname
        gate = ConsoleGate(
            accounts=context.accounts,
            links=context.links,
            lockout=Lockout(context.clock),
            # With a public address a proxy on this machine forwards the requests of browsers.
            proxies=Proxies((*(LOOPBACK if public else ()), *console.trusted_proxies)),
            hosts=AllowedHosts([console.host, *([public] if public else [])]),
            cookie=f"console_{console.id}",
            public_url=console.public_url,
            scraper=self._scraper,
        )
        return application(context, gate)
