"""Addresses without their secrets."""

from __future__ import annotations

import re

from pi_cam_node.redaction import MASK

# A password may hold an unescaped @ or /, so everything up to the last @ of the word goes; an address whose path
# holds an @ loses its host with it, which is the lesser evil.
_USER_INFO = re.compile(r"(?<=://)[^\s\"'<>]*@")
# Cheap cameras take the login in the query, some of them without a question mark: /user=admin&password=x.
_SECRET_FIELD = re.compile(
    r"(?<=[?&;/_])((?:user(?:name)?|usr|login|pass(?:word|wd)?|pwd|token|auth|key|secret)=)[^\s&;\"'<>]*", re.IGNORECASE
)


def redact(text: str) -> str:
    """Return a text, such as an address or a line of a log, with the logins of all addresses in it masked."""
    return _SECRET_FIELD.sub(rf"\1{MASK}", _USER_INFO.sub(f"{MASK}@", text))
