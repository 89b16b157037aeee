"""Under which names the server may be asked for, and from which pages.

A page of another site can make its own name point to this machine (DNS rebinding) and would then share our
origin; its name stays in the Host header and gives it away.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

import psutil

# Addresses come and go with leases; asking the kernel for every request would be a waste.
REFRESH_S = 10.0
DEFAULT_PORTS = {"http": 80, "https": 443}


def own_addresses() -> set[str]:
    """Return every address of this machine, as text in its canonical form."""
    entries = (entry for entries in psutil.net_if_addrs().values() for entry in entries)
    families = (socket.AF_INET, socket.AF_INET6)
    return {_canonical(entry.address) for entry in entries if entry.family in families}


class AllowedHosts:
    """The names of this server.

    Args:
        allowed: Further ones, from the settings.
        addresses: Returns the machine's own addresses.
        monotonic: Tells the time, in seconds.
    """

    def __init__(
        self,
        allowed: Sequence[str],
        addresses: Callable[[], Iterable[str]] = own_addresses,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        machine = socket.gethostname().lower().partition(".")[0]
        self._names = {"localhost", machine, f"{machine}.local", *(_canonical(name) for name in allowed)}
        self._read_addresses = addresses
        self._monotonic = monotonic
        self._addresses: set[str] = set()
        self._read_s = float("-inf")

    def allows(self, host: str) -> bool:
        """Tell whether a Host header names this server; its port does not matter."""
        name = _name_of(host)
        if name is None:
            return False
        if self._monotonic() - self._read_s > REFRESH_S:
            self._addresses, self._read_s = set(self._read_addresses()), self._monotonic()
        return name in self._names or name in self._addresses or _is_loopback(name)


def is_same_origin(origin: str, scheme: str, host: str) -> bool:
    """Tell whether an Origin header names the very server that a request went to."""
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"{scheme}://{host}")
        ports = [parts.port or DEFAULT_PORTS.get(parts.scheme) for parts in (theirs, ours)]
    except ValueError:
        return False
    return (theirs.scheme, theirs.hostname, ports[0]) == (ours.scheme, ours.hostname, ports[1]) and bool(ours.hostname)


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


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
