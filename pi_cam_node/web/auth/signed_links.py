"""Expiring signed links: whoever holds one may fetch that one thing, without a login, until it ends.

The key is made anew at each start, so every link also ends with a restart. The end is told on the
monotonic clock: a Pi without a battery clock may jump by years when it learns the time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from pi_cam_node.base.clock import Clock

EXPIRES, SIGNATURE = "expires", "signature"
# A notification is looked at within a day, or its picture is found on the page.
LIFETIME_S = 86_400.0


class SignedLinks:
    """Makes and checks links. Thread: any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def sign(self, path: str, lifetime_s: float) -> str:
        """Return the path with a signature and the time at which it ends.

        Args:
            path: Without a query, as the client will send it.
            lifetime_s: From now.
        """
        expires = str(int(self._clock.monotonic() + lifetime_s))
        return f"{path}?{EXPIRES}={expires}&{SIGNATURE}={self._signature(path, expires)}"

    def verify(self, path: str, query: Mapping[str, str]) -> bool:
        """Tell whether a request carries a signature of ours for this very path, and in time."""
        expires, given = query.get(EXPIRES, ""), query.get(SIGNATURE, "")
        wanted = self._signature(path, expires)
        is_ours = hmac.compare_digest(given.encode(errors="replace"), wanted.encode())
        return is_ours and self._clock.monotonic() < int(expires)

    def _signature(self, path: str, expires: str) -> str:
        text = f"{expires}\n{path}".encode(errors="replace")
        digest = hmac.new(self._key, text, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_signed(query: Mapping[str, str]) -> bool:
    """Tell whether a request carries a signature, whoever's it is."""
    return SIGNATURE in query
