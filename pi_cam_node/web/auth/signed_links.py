"""Signed links: open one path without a login until they expire.

The key is kept in a file, so links survive a restart; they expire by the wall clock. While that is not set (a Pi
without battery clock and network), links are valid until the process ends. Switching privacy on and erasing replace the
key, which invalidates all links.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from pi_cam_node.base import atomic_files
from pi_cam_node.base.clock import Clock

_log = logging.getLogger(__name__)

EXPIRES, SIGNATURE = "expires", "signature"
# In place of the expiry: until the process ends.
WHILE_RUNNING = "boot"
LIFETIME_S = 7 * 86_400.0
LINK_KEY_BYTES = 32
FILE_NAME = ".http_link_key"


class SignedLinks:
    """Creates and verifies signed links. Thread: any.

    Args:
        clock: Tells the wall-clock time.
        key_file: File of the key, readable by its owner only; ``None``: links are valid until the process ends.
        is_clock_set: Tells whether the wall clock is synchronized.
    """

    def __init__(
        self, clock: Clock, key_file: Path | None = None, is_clock_set: Callable[[], bool] = lambda: True
    ) -> None:
        self._clock = clock
        self._file = key_file
        self._is_clock_set = is_clock_set
        self._boot_key = secrets.token_bytes(LINK_KEY_BYTES)
        self._key = secrets.token_bytes(LINK_KEY_BYTES)
        if key_file is not None:
            self._load(key_file)

    def sign(self, path: str, lifetime_s: float = LIFETIME_S) -> str:
        """Return the path with expiry and signature as query.

        Args:
            path: Path as the client will send it, without a query.
            lifetime_s: Seconds until the link expires.
        """
        if not self._is_clock_set():
            return self._signed(path, WHILE_RUNNING)
        return self._signed(path, str(int(self._clock.utcnow().timestamp() + lifetime_s)))

    def sign_alike(self, path: str, query: Mapping[str, str]) -> str:
        """Return the path with a signature that has the expiry of a request's valid signature.

        Args:
            path: See `sign`.
            query: The query of the request.
        """
        return self._signed(path, query[EXPIRES])

    def verify(self, path: str, query: Mapping[str, str]) -> bool:
        """Tell whether a query contains a valid signature for this path that has not expired."""
        expires, given = query.get(EXPIRES, ""), query.get(SIGNATURE, "")
        wanted = self._signature(path, expires)
        is_ours = hmac.compare_digest(given.encode(errors="replace"), wanted.encode())
        return is_ours and (expires == WHILE_RUNNING or self._clock.utcnow().timestamp() < int(expires))

    def end_all(self) -> None:
        """Invalidate all links at once by a new key; `save` makes that permanent."""
        self._key, self._boot_key = secrets.token_bytes(LINK_KEY_BYTES), secrets.token_bytes(LINK_KEY_BYTES)

    def save(self) -> None:
        """Write the key to its file. Thread: one that may block on the disk."""
        if self._file is None:
            return
        try:
            atomic_files.make_directory(self._file.parent)
            atomic_files.replace_atomically(self._file, self._key.hex().encode() + b"\n")
        except OSError as error:
            _log.warning("links to pictures expire when the node stops: %s cannot be written: %s", self._file, error)

    def _load(self, file: Path) -> None:
        try:
            key = bytes.fromhex(file.read_bytes()[: 2 * LINK_KEY_BYTES + 1].decode("ascii", "replace").strip())
        except (OSError, ValueError):
            key = b""
        if len(key) == LINK_KEY_BYTES:
            self._key = key
        else:
            self.save()

    def _signed(self, path: str, expires: str) -> str:
        return f"{path}?{EXPIRES}={expires}&{SIGNATURE}={self._signature(path, expires)}"

    def _signature(self, path: str, expires: str) -> str:
        text = f"{expires}\n{path}".encode(errors="replace")
        key = self._boot_key if expires == WHILE_RUNNING else self._key
        return base64.urlsafe_b64encode(hmac.new(key, text, hashlib.sha256).digest()).rstrip(b"=").decode()


def is_signed(query: Mapping[str, str]) -> bool:
    """Tell whether a query contains a signature, valid or not."""
    return SIGNATURE in query
