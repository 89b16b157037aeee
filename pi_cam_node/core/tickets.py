"""Tickets: short-lived secrets that open over HTTP what the right *view* may see, handed to one asker over the broker.

They live in memory and end with the process.
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
    """A ticket as its asker gets it.

    Attributes:
        secret: Sent as ``Authorization: Bearer``.
        ttl_s: How long it opens anything, from now.
    """

    secret: str = field(repr=False)
    ttl_s: float


class Tickets:
    """Makes and checks tickets; of more than `TICKETS_MAX` the oldest ends.

    Only digests are kept. Ends are told on the monotonic clock.
    Thread: `issue` the node thread, `is_valid` any.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_mono_s: dict[bytes, float] = {}

    def issue(self, ttl_s: float) -> Ticket:
        """Return a new ticket that lasts so many seconds."""
        now_s = self._clock.monotonic()
        kept = [(digest, end_s) for digest, end_s in self._ends_mono_s.items() if end_s > now_s]
        secret = secrets.token_urlsafe(32)
        kept.append((_digest(secret), now_s + ttl_s))
        self._ends_mono_s = dict(kept[-TICKETS_MAX:])  # replaced as a whole: another thread may be reading
        return Ticket(secret, ttl_s)

    def is_valid(self, secret: str) -> bool:
        """Tell whether a secret is that of a ticket which has not ended."""
        # The digest is looked up, not the secret, so the time that it takes tells nothing of any secret.
        return self._ends_mono_s.get(_digest(secret), float("-inf")) > self._clock.monotonic()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
