"""Signed links that open one resource without a login until they expire: for notifications and for sharing.

The key outlives a restart, and the expiry is on the wall clock: a home server has the time from the network.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from pi_cam_node.base.atomic_files import create_atomically
from pi_cam_node.base.clock import Clock
from pi_cam_node.console.push.encryption import encoded

FILE_NAME = "links.key"
KEY_BYTES = 32
NOTIFICATION_S = 7 * 86_400.0


class Links:
    """Makes and checks links. Thread: any."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Read the key, or make one.

        Raises:
            OSError: It can be neither read nor made.
            ValueError: What is in the file is no key.
        """
        path = folder / FILE_NAME
        if not path.exists():
            create_atomically(path, secrets.token_bytes(KEY_BYTES))
        self._key = path.read_bytes()
        if len(self._key) != KEY_BYTES:
            raise ValueError(f"{path} holds no key of {KEY_BYTES} bytes")
        self._clock = clock

    def sign(self, path: str, lifetime_s: float, by: str) -> str:
        """Return a path with a signature and the UTC epoch second at which it ends.

        Args:
            path: What it opens.
            lifetime_s: How long.
            by: Id of the account without whose right it opens nothing.
        """
        return self._signed(path, str(int(self._clock.utcnow().timestamp() + lifetime_s)), by)

    def sign_alike(self, path: str, query: Mapping[str, str]) -> str:
        """Return a path with a signature that ends with that of a query, and depends on the same account."""
        return self._signed(path, query.get("expires", ""), query.get("by", ""))

    def verify(self, path: str, query: Mapping[str, str]) -> bool:
        """Tell whether a request carries a valid signature of the console for this very path, and in time."""
        expires, by, given = query.get("expires", ""), query.get("by", ""), query.get("signature", "")
        is_ours = hmac.compare_digest(given.encode(errors="replace"), self._signature(path, expires, by).encode())
        return is_ours and bool(by) and self._clock.utcnow().timestamp() < int(expires)

    def _signed(self, path: str, expires: str, by: str) -> str:
        return f"{path}?by={quote(by)}&expires={expires}&signature={self._signature(path, expires, by)}"

    def _signature(self, path: str, expires: str, by: str) -> str:
        text = f"{expires}\n{by}\n{path}".encode(errors="replace")
        return encoded(hmac.new(self._key, text, hashlib.sha256).digest())
