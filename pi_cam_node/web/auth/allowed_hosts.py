"""Accepted Host headers, and origins of pages.

A page of another site can make its own host name resolve to this machine (DNS rebinding) and would then share the
server's origin; the Host header still contains its name. Names that an attacker cannot register are always accepted:
addresses, names without a dot, and those outside the public DNS.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from pi_cam_node.web.auth.proxies import Peer

# Safe methods, which pages of other sites may make a browser send.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Values of Sec-Fetch-Site for the server's own pages and for typed addresses.
OWN_SITES = frozenset({"same-origin", "none"})
DEFAULT_PORTS = {"http": 80, "https": 443}
# Never delegated in the public DNS (RFC 6761, 6762, 8375; ICANN's .internal, .home and .corp), or, as ``lan`` and
# ``localdomain``, used by routers and not for sale. ``fritz.box`` belongs to the maker of the router.
LOCAL_SUFFIXES = (
    "local", "localhost", "localdomain", "lan", "home", "home.arpa", "internal", "intranet", "corp", "fritz.box",
)  # fmt: skip

# Host headers whose reading is remembered: a server is asked for by few names.
_REMEMBERED = 16
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class AllowedHosts:
    """Host names and addresses that requests may name in their Host header.

    Args:
        allowed: Further names, from the settings.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._names = {_canonical(name) for name in (socket.gethostname(), *allowed)}

    def allows(self, host: str) -> bool:
        """Tell whether a Host header is accepted; its port is ignored.

        An empty one is: HTTP/1.0 has none, and browsers, which rebinding needs, always send it.
        """
        if not host:
            return True
        name = _name_of(host)
        return name is not None and (name in self._names or _is_harmless(name))


def is_same_origin(origin: str, scheme: str, host: str) -> bool:
    """Tell whether an Origin header matches scheme and host of the request."""
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"{scheme}://{host}")
        ports = [parts.port or DEFAULT_PORTS.get(parts.scheme) for parts in (theirs, ours)]
    except ValueError:
        return False
    return (theirs.scheme, theirs.hostname, ports[0]) == (ours.scheme, ours.hostname, ports[1]) and bool(ours.hostname)


def is_own_origin(origin: str, peer: Peer, public_url: str) -> bool:
    """Tell whether an Origin header names this server, by its Host header or by the address at its reverse proxy."""
    public = urlsplit(public_url)
    return is_same_origin(origin, peer.scheme, peer.host) or is_same_origin(origin, public.scheme, public.netloc)


def is_from_foreign_page(headers: Mapping[str, str], is_own: Callable[[str], bool]) -> bool:
    """Tell whether a page of another site made the browser send the request.

    Args:
        headers: Headers of the request.
        is_own: Tells whether an Origin header names this server.
    """
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    return (site is not None and site not in OWN_SITES) or (origin is not None and not is_own(origin))


@lru_cache(_REMEMBERED)
def _name_of(host: str) -> str | None:
    """Return the name in a Host header, lower case and without port; ``None`` if malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    if parts.netloc != host or "@" in host or not parts.hostname:
        return None
    return _canonical(parts.hostname)


def _canonical(name: str) -> str:
    text = name.strip("[]").partition("%")[0].rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


@lru_cache(_REMEMBERED)
def _is_harmless(name: str) -> bool:
    """Tell whether a name is safe from DNS rebinding, since it cannot be registered."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        is_local = "." not in name or any(name.endswith(f".{suffix}") for suffix in LOCAL_SUFFIXES)
        return is_local and _NAME.fullmatch(name) is not None and not name.isdigit()
    return True
