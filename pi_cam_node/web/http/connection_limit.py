"""Limits connections in total and per client; evicts the oldest idle one when full.

Connections without a complete request are evicted for new ones, oldest first, so a flood of idle or slow ones evicts
itself. Requests for public routes do not protect a connection, as anyone could hold it by reading slowly. A new
connection is refused only if all others are being served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pi_cam_node.web.auth.proxies import client_key
from pi_cam_node.web.http.routes import app_key

# Connections besides those of stream viewers.
CONNECTIONS_MAX = 64
# A browser opens six at a time, and browsers outside share the address of their router.
CONNECTIONS_PER_CLIENT = 16


class Member(Protocol):
    """A connection, as the limit sees it."""

    @property
    def address(self) -> str:
        """The client's address."""
        ...

    @property
    def is_served(self) -> bool:
        """Whether an authorized request of the connection is being answered."""
        ...

    def force_close(self) -> None:
        """Close the connection after sending buffered data."""
        ...

    def abort(self) -> None:
        """Close the connection at once."""
        ...


class ConnectionLimit:
    """The connections of the server, oldest first.

    Args:
        viewers_max: Returns how many viewers are allowed.
        is_proxy: Tells whether an address is a trusted proxy, which forwards the requests of many clients.

    Attributes:
        refused: Number of refused connections.
        evicted: Number of idle connections closed to make room.
    """

    def __init__(self, viewers_max: Callable[[], int], is_proxy: Callable[[str], bool]) -> None:
        self._viewers_max = viewers_max
        self._is_proxy = is_proxy
        self._clients: dict[Member, str] = {}  # key of the client by connection
        self.refused = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._clients)

    def admit(self, member: Member) -> bool:
        """Register a connection, evicting an idle one at the limit; return whether it was accepted."""
        viewers, client = self._viewers_max(), client_key(member.address)
        alike = [one for one, key in self._clients.items() if key == client]
        if len(alike) >= CONNECTIONS_PER_CLIENT + viewers and not self._is_proxy(member.address):
            has_room = self._evict(alike)
        elif len(self._clients) >= CONNECTIONS_MAX + viewers:
            has_room = self._evict(list(self._clients))
        else:
            has_room = True
        if has_room:
            self._clients[member] = client
        else:
            self.refused += 1
        return has_room

    def remove(self, member: Member) -> None:
        """Unregister a connection."""
        self._clients.pop(member, None)

    def close_idle(self) -> None:
        """Close idle connections, so that shutdown does not wait for them."""
        for member in [member for member in self._clients if not member.is_served]:
            member.force_close()

    def close_all(self) -> None:
        """Abort every connection at shutdown."""
        for member in list(self._clients):
            member.abort()

    def _evict(self, among: list[Member]) -> bool:
        idle = next((member for member in among if not member.is_served), None)
        if idle is None:
            return False
        self._clients.pop(idle)
        self.evicted += 1
        idle.force_close()
        return True


CONNECTIONS = app_key("connections", ConnectionLimit)
