"""Accepted Host headers, and origins of pages.

A page of another site can make its own name point to this machine (DNS rebinding) and would then share the server's
origin; its name stays in the Host header and gives it away. Names that no stranger can make point anywhere are let
through whatever machine they mean: addresses, names without a dot, and those that the public DNS does not know.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

# Methods that change nothing: a page of another site may make a browser send these.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Values of Sec-Fetch-Site for a server's own pages, and for addresses that a person typed.
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
        allowed: Those beside the harmless ones, from the settings.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._names = {_canonical(name) for name in (socket.gethostname(), *allowed)}

    def allows(self, host: str) -> bool:
        """Tell whether a Host header may name this server; its port does not matter.

        An empty one may: HTTP/1.0 has none, and a browser, through which rebinding works, always sends it.
        """
        if not host:
            return True
        name = _name_of(host)
        return name is not None and (name in self._names or _is_harmless(name))


def is_same_origin(origin: str, scheme: str, host: str) -> bool:
    """Tell whether an Origin header names the very server that a request went to."""
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"{scheme}://{host}")
        ports = [parts.port or DEFAULT_PORTS.get(parts.scheme) for parts in (theirs, ours)]
    except ValueError:
        return False
    return (theirs.scheme, theirs.hostname, ports[0]) == (ours.scheme, ours.hostname, ports[1]) and bool(ours.hostname)


def is_from_foreign_page(headers: Mapping[str, str], is_own: Callable[[str], bool]) -> bool:
    """Tell whether a page of another site makes a browser send a request.

    Args:
        headers: Those of the request.
        is_own: Tells whether an Origin header names this server.
    """
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    return (site is not None and site not in OWN_SITES) or (origin is not None and not is_own(origin))


@lru_cache(_REMEMBERED)
def _name_of(host: str) -> str | None:
    """Return the name in a Host header, lower case and without port, ``None`` where it is none."""
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
    """Tell whether a name is safe from DNS rebinding: no stranger can make it point to this machine."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        is_local = "." not in name or any(name.endswith(f".{suffix}") for suffix in LOCAL_SUFFIXES)
        return is_local and _NAME.fullmatch(name) is not None and not name.isdigit()
    return True
