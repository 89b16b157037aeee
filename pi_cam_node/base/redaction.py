"""Redaction: masks secrets in texts for people and programs.

Two kinds exist: values typed as secrets, and the logins that camera addresses carry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, unquote

MASK = "********"

# Shorter secrets would match parts of ordinary words, and masking these would reveal the secret.
SHORTEST_HIDDEN = 4

# A password may contain an unescaped @ or /, so everything up to the last @ of the word is masked; an address with an @
# in its path loses its host, too. Bounded, since a line full of "://" would take too long.
_LOGIN = re.compile(r"(?<=://)[^\s\"'<>]{0,512}@")
_LOGIN_AT_START = re.compile(r"^[^\s\"'<>]{0,512}@")
# Some cameras take the login in the query, even without a question mark: /user=admin&password=x.
_FIELD = re.compile(
    r"(?<=[?&;/_])((?:user(?:name)?|usr|login|pass(?:word|wd)?|pwd|token|auth|key|secret)=)([^\s&;\"'<>]*)",
    re.IGNORECASE,
)


def without_logins(text: str) -> str:
    """Return a text in which the logins of all addresses are masked: ``rtsp://********@porch.example/live``."""
    return _FIELD.sub(rf"\1{MASK}", _LOGIN.sub(f"{MASK}@", text))


def guarded(text: str) -> str:
    """Return a typed text with possible logins masked, also without a scheme."""
    return without_logins(_LOGIN_AT_START.sub(f"{MASK}@", text))


def carries_login(text: str) -> bool:
    """Return whether a text holds an address with a login in it."""
    return without_logins(text) != text


def logins_in(text: str) -> Iterator[str]:
    """Yield the passwords of the addresses in a text, as they stand and with ``%40`` and the like resolved."""
    found = [match[0][:-1].partition(":")[2] for match in _LOGIN.finditer(text)]
    found += [match[2] for match in _FIELD.finditer(text)]
    for password in found:
        yield from {password, unquote(password)} - {""}


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that masks these secrets, in every way they are usually written, and logins in addresses."""
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST_HIDDEN}
    if not forms:
        return without_logins
    # Longest first, as one secret may be a prefix of another.
    known = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return lambda text: without_logins(known.sub(MASK, text))


def _forms(secret: str) -> set[str]:
    """Return a secret in its forms: plain, URL-encoded, in JSON and in a repr."""
    plain = secret.encode("utf-8", "replace").decode("utf-8")
    in_json = {json.dumps(secret, ensure_ascii=pure)[1:-1] for pure in (True, False)}
    return {secret, quote(plain, safe=""), quote(plain), repr(secret)[1:-1], *in_json}
