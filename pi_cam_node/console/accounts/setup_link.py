"""One-time link that creates the first owner, in a file that only the file's owner can read."""

from __future__ import annotations

import hmac
import logging
import secrets
from pathlib import Path

from pi_cam_node.base.atomic_files import replace_atomically

_log = logging.getLogger(__name__)

FILE_NAME = "setup-link"


class SetupLink:
    """One-time set-up link; its key is made anew at each start while there is no owner.

    Args:
        folder: ``console.base_dir``.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._key = ""

    def open(self, url: str) -> None:
        """Write the link for a console that is served at ``url``.

        Raises:
            OSError: It cannot be written.
        """
        self._key = self._key or secrets.token_urlsafe(24)
        replace_atomically(self.path, f"{url}/setup?key={self._key}\n".encode())
        _log.warning("the console has no owner yet; read the link to set it up with: cat '%s'", self.path)

    def is_(self, key: str) -> bool:
        """Tell whether a key is that of the link."""
        return bool(self._key) and hmac.compare_digest(self._key.encode(), key.encode("utf-8", "replace"))

    def close(self) -> None:
        """Delete the link, once an owner exists."""
        self._key = ""
        self.path.unlink(missing_ok=True)
