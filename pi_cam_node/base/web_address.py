"""Checks of host names and of addresses of web servers.

The camera's process needs them, which does not import the settings (15 MiB).
.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# urlsplit drops some control characters, and clients take a backslash for a slash.
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f{}\\?#]")


def resolvable(host: str) -> str:
    """Return a host name, unchanged.

    Raises:
        ValueError: Python's resolver, which encodes it by IDNA, would fail with an exception of its own.
    """
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError("between two dots of a host name are 1 to 63 characters") from None
    return host


def is_web_address(text: str) -> bool:
    """Tell whether a text is ``http://`` or ``https://``, a host, and perhaps a port and a path.

    A login, a query or a fragment is not accepted: what is appended would no longer be the path of a request.
    """
    try:
        parts = urlsplit(text)
        is_complete = parts.scheme in ("http", "https") and (parts.port is None or parts.port > 0)
        host = resolvable(parts.hostname or "")
    except ValueError:
        return False
    return (
        is_complete
        and bool(host)
        and "@" not in parts.netloc
        and not _FORBIDDEN.search(text)
        and "//" not in parts.path
    )
