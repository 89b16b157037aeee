"""Who asks, seen through the proxies that the owner trusts and through no others."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded")


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a request comes from and what it was sent to.

    Attributes:
        address: The client's.
        scheme: ``http`` or ``https``, as the client sees it.
        host: Name and port that the client asked for.
        through_stranger: Somebody we do not trust says that he forwards it.
    """

    address: str
    scheme: str
    host: str
    through_stranger: bool = False


class Proxies:
    """The proxies whose word is taken.

    Args:
        trusted: Addresses and networks.

    Raises:
        ValueError: One of them is neither.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted: list[Network] = [ipaddress.ip_network(text, strict=False) for text in trusted]

    def __bool__(self) -> bool:
        return bool(self._trusted)

    def trusts(self, address: str) -> bool:
        """Tell whether an address is a trusted proxy's."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(ip, "ipv4_mapped", None)
        return any((mapped or ip) in network for network in self._trusted)

    def peer_of(self, request: web.Request) -> Peer:
        """Return who really asks. Of several proxies' words the last one's counts, which the client cannot make up."""
        address, host = request.remote or "", request.headers.get("Host", "")
        scheme = "https" if request.transport and request.transport.get_extra_info("sslcontext") else "http"
        if not self.trusts(address):
            return Peer(address, scheme, host, any(name in request.headers for name in FORWARDED))
        chain = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        hops = [hop.strip() for hop in chain if hop.strip()]
        client = next((hop for hop in reversed(hops) if not self.trusts(hop)), hops[0] if hops else address)
        told = _last(request, "X-Forwarded-Proto").lower()
        return Peer(client, told if told in ("http", "https") else scheme, _last(request, "X-Forwarded-Host") or host)


def _last(request: web.Request, name: str) -> str:
    return ",".join(request.headers.getall(name, [])).rpartition(",")[2].strip()
