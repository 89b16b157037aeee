"""Access token: random, in a file that only its owner can read."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import stat
from pathlib import Path

from pi_cam_node.base import atomic_files
from pi_cam_node.base.secret_file import read_secret

_log = logging.getLogger(__name__)

FILE_NAME = ".http_token"
LENGTH_MIN = 12
LENGTH_MAX = 1024


class Token:
    """A secret that can be compared but not read; its repr does not contain it."""

    __slots__ = ("_digest",)

    def __init__(self, text: str) -> None:
        self._digest = _digest(text)

    def is_(self, given: str) -> bool:
        """Compare with the token in constant time."""
        return hmac.compare_digest(self._digest, _digest(given))


def read_or_make(path: Path, new: str = "a new token for the HTTP server") -> Token:
    """Return the token in the first line of a file, which is created if missing.

    Args:
        path: The file.
        new: Name of a new token in the log.

    Raises:
        OSError: The file can be neither read nor created.
        ValueError: The file holds no valid token.
    """
    if not path.exists():
        atomic_files.make_directory(path.parent)
        try:
            atomic_files.create_atomically(path, f"{secrets.token_urlsafe(32)}\n".encode())
        except FileExistsError:
            _log.debug("%s was made by another process meanwhile", path)
        else:
            _log.warning("%s is in %s; read it with: cat '%s'", new, path, path)
    else:
        _log.info("others need the token in %s", path)
    return Token(_read(path))


def fault_of(path: Path) -> str:
    """Return what is wrong with a token file; empty if it is usable or missing."""
    try:
        _read(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror or error}"
    except ValueError as error:
        return str(error)
    return ""


def _read(path: Path) -> str:
    try:
        token = read_secret(path, "a token").strip()
    except ValueError:
        token = ""
    if not LENGTH_MIN <= len(token) <= LENGTH_MAX or not token.isascii():
        raise ValueError(f"the first line of {path} must be a token of {LENGTH_MIN} to {LENGTH_MAX} ASCII characters")
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        _log.warning("not only its owner can read %s: chmod 600 '%s'", path, path)
    return token


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
