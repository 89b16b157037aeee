"""Client address of a request, read from the headers of trusted reverse proxies only.

Proxies set X-Forwarded headers, or Forwarded (RFC 7239). The latter is read only if none of the former is present: a
proxy that sets the former may relay a Forwarded header forged by the client.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pi_cam_node.base.frozen import frozen

if TYPE_CHECKING:
    from aiohttp import web

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_X_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix")
# Addresses whose reading is remembered: it takes as long as all else that is looked at before a request is answered.
_REMEMBERED = 64
# A parameter of an element of Forwarded, or the end of the element.
_PARAMETER = re.compile(r'([A-Za-z]{1,16})=("(?:\\.|[^"\\])*"|[^\s",;]+)|(,)')


@frozen
class Peer:
    """Client address of a request, and the host and scheme that it was sent to.

    Attributes:
        address: The client's, in canonical form, without port and brackets.
        scheme: ``http`` or ``https``, as the client sees it.
        host: Name and port that the client asked for.
        through_unknown_proxy: Whether an untrusted proxy forwarded the request.
    """

    address: str
    scheme: str
    host: str
    through_unknown_proxy: bool = False


class Proxies:
    """The trusted reverse proxies.

    Args:
        trusted: Addresses and networks.

    Raises:
        ValueError: An entry is neither.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted: list[Network] = [ipaddress.ip_network(text, strict=False) for text in trusted]

    def __bool__(self) -> bool:
        return bool(self._trusted)

    def trusts(self, address: str) -> bool:
        """Tell whether an address is that of a trusted proxy."""
        ip = parse_address(address)
        return ip is not None and any(ip in network for network in self._trusted)

    def peer_of(self, request: web.Request) -> Peer:
        """Return the client of a request. Of several proxies the nearest counts, whose headers no client can forge."""
        address, host = request.remote or "", request.headers.get("Host", "")
        scheme = "https" if request.transport and request.transport.get_extra_info("sslcontext") else "http"
        told = _told_by_proxies(request)
        if not self.trusts(address):
            return Peer(address, scheme, host, through_unknown_proxy=told is not None)
        if told is not None:
            scheme = told.scheme if told.scheme in ("http", "https") else scheme
            address, host = self._client(told.hops) or address, told.host or host
        return Peer(address, scheme, host)

    def _client(self, hops: Sequence[str]) -> str:
        """Return the nearest address that is not a trusted proxy's, else the farthest; empty if a proxy gives none."""
        farthest = ""
        for hop in reversed(hops):
            ip = parse_address(hop)
            if ip is None:  # entries before a word such as "unknown" may be forged by the client
                break
            farthest = str(ip)
            if not self.trusts(farthest):
                break
        return farthest


@frozen
class _Told:
    """Contents of the proxies' headers.

    Attributes:
        hops: Addresses, the client's first, each added by the next proxy.
        scheme: Scheme from the nearest proxy, lower case; empty if missing.
        host: Host from the nearest proxy; empty if missing.
    """

    hops: list[str]
    scheme: str
    host: str


def _told_by_proxies(request: web.Request) -> _Told | None:
    """Return the contents of proxy headers; ``None`` if there are none."""
    if any(name in request.headers for name in _X_FORWARDED):
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        return _Told(hops, _last(request, "X-Forwarded-Proto").lower(), _last(request, "X-Forwarded-Host"))
    if "Forwarded" not in request.headers:
        return None
    elements: list[dict[str, str]] = [{}]
    for name, value, comma in _PARAMETER.findall(",".join(request.headers.getall("Forwarded"))):
        if comma:
            elements.append({})
        else:
            elements[-1][name.lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
    nearest = elements[-1]
    hops = [element.get("for", "") for element in elements]
    return _Told(hops, nearest.get("proto", "").lower(), nearest.get("host", ""))


@lru_cache(_REMEMBERED)
def parse_address(text: str) -> Address | None:
    """Return the IP address in a text, ``None`` if there is none; an IPv4-mapped IPv6 address becomes IPv4.

    Known forms are ``192.0.2.7``, ``192.0.2.7:4711``, ``2001:db8::7``, ``[2001:db8::7]:4711`` and ``fe80::7%eth0``.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


@lru_cache(_REMEMBERED)
def client_key(address: str) -> str:
    """Return the key by which clients are counted: the IPv4 address, or the /64 network of an IPv6 address."""
    ip = parse_address(address)
    if ip is None:
        return address
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))


def _last(request: web.Request, name: str) -> str:
    return ",".join(request.headers.getall(name, [])).rpartition(",")[2].strip()
