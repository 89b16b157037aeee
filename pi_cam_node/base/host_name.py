"""Host names that Python's resolver takes."""

from __future__ import annotations


def resolvable(host: str) -> str:
    """Return a host that can be looked up; others raise ``ValueError``: Python's resolver fails on them, unlike DNS."""
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError("between two dots of a host name are 1 to 63 characters") from None
    return host
