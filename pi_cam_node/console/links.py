"""Signed links that open one resource without a login until they expire, for notifications and for sharing.

The key is stored, so links survive a restart; they expire by the wall clock, which a home server sets by NTP.
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
from pi_cam_node.web.auth.signed_links import LINK_KEY_BYTES

FILE_NAME = "links.key"
NOTIFICATION_S = 7 * 86_400.0


class Links:
    """Makes and checks links. Thread: any."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Read the key, or make one.

        Raises:
            OSError: It can be neither read nor made.
            ValueError: The file holds no valid key.
        """
        path = folder / FILE_NAME
        if not path.exists():
            create_atomically(path, secrets.token_bytes(LINK_KEY_BYTES))
        self._key = path.read_bytes()
        if len(self._key) != LINK_KEY_BYTES:
            raise ValueError(f"{path} holds no key of {LINK_KEY_BYTES} bytes")
        self._clock = clock

    def sign(self, path: str, lifetime_s: float, by: str) -> str:
        """Return a path with a signature and its expiry in UTC epoch seconds.

        Args:
            path: Path that the link opens.
            lifetime_s: Seconds until it expires.
            by: Id of the account that shares it; the link is valid only as long as that account's right.
        """
        return self._signed(path, str(int(self._clock.utcnow().timestamp() + lifetime_s)), by)

    def sign_alike(self, path: str, query: Mapping[str, str]) -> str:
        """Return a path with a signature of the same expiry and account as the signature in a query."""
        return self._signed(path, query.get("expires", ""), query.get("by", ""))

    def verify(self, path: str, query: Mapping[str, str]) -> bool:
        """Tell whether a query holds a valid signature for this path that has not expired."""
        expires, by, given = query.get("expires", ""), query.get("by", ""), query.get("signature", "")
        is_ours = hmac.compare_digest(given.encode(errors="replace"), self._signature(path, expires, by).encode())
        return is_ours and bool(by) and self._clock.utcnow().timestamp() < int(expires)

    def _signed(self, path: str, expires: str, by: str) -> str:
        return f"{path}?by={quote(by)}&expires={expires}&signature={self._signature(path, expires, by)}"

    def _signature(self, path: str, expires: str, by: str) -> str:
        text = f"{expires}\n{by}\n{path}".encode(errors="replace")
        return encoded(hmac.new(self._key, text, hashlib.sha256).digest())
