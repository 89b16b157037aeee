"""Tickets: short-lived secrets, requested over MQTT, that grant the right *view* over HTTP.

They are kept in memory only.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import field

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.frozen import frozen

TICKETS_MAX = 16
TTL_MIN_S, TTL_MAX_S, TTL_DEFAULT_S = 60.0, 86_400.0, 3_600.0


@frozen
class Ticket:
    """A ticket as returned to the client.

    Attributes:
        secret: Sent as ``Authorization: Bearer``.
        ttl_s: Validity in seconds.
    """

    secret: str = field(repr=False)
    ttl_s: float


class Tickets:
    """Issues and checks tickets; beyond `TICKETS_MAX` the oldest is revoked.

    Only digests are stored. Expiry is on the monotonic clock. Thread: `issue` the node thread, `is_valid` any.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_mono_s: dict[bytes, float] = {}

    def issue(self, ttl_s: float) -> Ticket:
        """Return a new ticket."""
        now_s = self._clock.monotonic()
        kept = [(digest, end_s) for digest, end_s in self._ends_mono_s.items() if end_s > now_s]
        secret = secrets.token_urlsafe(32)
        kept.append((_digest(secret), now_s + ttl_s))
        self._ends_mono_s = dict(kept[-TICKETS_MAX:])  # replaced as a whole, as another thread may read
        return Ticket(secret, ttl_s)

    def is_valid(self, secret: str) -> bool:
        """Tell whether a secret is a valid ticket."""
        # The digest is looked up, so the time reveals nothing about secrets.
        return self._ends_mono_s.get(_digest(secret), float("-inf")) > self._clock.monotonic()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
