"""Allowed push services: a browser names its own, so without this list it could name any host of the local network."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

ENVIRONMENT = "PI_CAM_NODE_CONSOLE_PUSH_HOSTS"
SERVICES = (
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
LENGTH_MAX = 2048


class Endpoints:
    """The allowed push services.

    Args:
        extra: ``host`` or ``host:port`` of further services, which may be in the local network and use plain HTTP.
    """

    def __init__(self, extra: Sequence[str] = ()) -> None:
        self._extra = frozenset(one.strip().lower() for one in extra if one.strip())

    def fault_of(self, endpoint: str) -> str:
        """Return why an endpoint is not allowed; empty if it is."""
        parts = _parts(endpoint)
        if parts is None:
            return "this is no address of a push service"
        scheme, host, port = parts
        if self.is_extra(host, port):
            return "" if scheme in {"http", "https"} else "push services are reached by HTTPS"
        if scheme != "https":
            return "push services are reached by HTTPS"
        if port not in {None, 443} or not any(_matches(host, pattern) for pattern in SERVICES):
            return f"{host} is none of the known push services; {ENVIRONMENT} allows further ones"
        return ""

    def is_extra(self, host: str, port: int | None = None) -> bool:
        """Tell whether ``host:port`` is one of the extra services."""
        return host in self._extra or f"{host}:{port}" in self._extra

    def has_extra_host(self, host: str) -> bool:
        """Tell whether a host is one of the extra services, at any port."""
        return any(one == host or one.rpartition(":")[0] == host for one in self._extra)


def is_apple(endpoint: str) -> bool:
    """Tell whether an endpoint is Apple's, which rejects senders without a real contact address."""
    return (urlsplit(endpoint).hostname or "").endswith(".push.apple.com")


class PublicResolver(AbstractResolver):
    """DNS resolver that returns public addresses only, so that no name leads into the local network."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        Raises:
            OSError: The name has no public address.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        may_be_private = self._endpoints.has_extra_host(host)
        results: list[ResolveResult] = []
        for kind, _, protocol, _, address in found:
            if may_be_private or ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
                entry = ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=port,
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST,
                )
                results.append(entry)
        if not results:
            raise OSError(None, f"{host} has no public address")
        return results

    async def close(self) -> None:
        """Do nothing: there are no resources to release."""


def _parts(endpoint: str) -> tuple[str, str, int | None] | None:
    """Return scheme, host and port of a URL; ``None`` if it is malformed or contains credentials."""
    if len(endpoint) > LENGTH_MAX or not endpoint.isascii() or not endpoint.isprintable() or "\\" in endpoint:
        return None
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return None
    return None if "@" in parts.netloc or not parts.hostname else (parts.scheme, parts.hostname.lower(), port)


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1 if pattern.startswith("*.") else host == pattern
