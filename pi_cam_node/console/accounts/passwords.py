"""Password hashes by scrypt: it takes memory and time, so that guessing passwords of a stolen file is slow."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

# A hash takes 128 * N * R bytes, = 16 MiB, and P passes over them: 0.2 s of a desktop's core. Source: RFC 7914, section
# 2; the choice is one of OWASP's password storage cheat sheet.
N, R, P = 1 << 14, 8, 5
SALT_BYTES, HASH_BYTES = 16, 32
LENGTH_MIN, LENGTH_MAX = 8, 256


def fault_of(password: str) -> str:
    """Return what is wrong with a new password, as a message; empty if it is acceptable."""
    if len(password) < LENGTH_MIN:
        return f"The password has at least {LENGTH_MIN} characters."
    if len(password) > LENGTH_MAX:
        return f"The password has at most {LENGTH_MAX} characters."
    return ""


def hashed(password: str) -> str:
    """Return a salted hash with its scrypt parameters. Slow: call it in an executor."""
    salt = secrets.token_bytes(SALT_BYTES)
    return f"scrypt${N}${R}${P}${_text(salt)}${_text(_key(password, salt, N, R, P))}"


def verify(password: str, stored: str) -> bool:
    """Tell whether a password matches a stored hash; false if that is malformed. Slow: call it in an executor."""
    try:
        kind, n, r, p, salt, key = stored.split("$")
        if kind != "scrypt":
            return False
        made = _key(password, base64.b64decode(salt), int(n), int(r), int(p))
        return hmac.compare_digest(made, base64.b64decode(key))
    except ValueError:
        return False


def _key(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    raw = password.encode("utf-8", "surrogatepass")[: 4 * LENGTH_MAX]
    return hashlib.scrypt(raw, salt=salt, n=n, r=r, p=p, maxmem=64 << 20, dklen=HASH_BYTES)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
