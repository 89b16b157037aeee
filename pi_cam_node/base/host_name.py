"""Check of host names; the camera's process needs it, which does not import the settings (15 MiB)."""

from __future__ import annotations


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
