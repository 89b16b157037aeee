"""Reads a secret from the first line of a file, with any line ending or byte order mark."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def read_secret(path: Path, what: str = "the password") -> str:
    """Return the first line of a file, without line ending and byte order mark.

    Only LF, CR and CRLF end a line; blanks and all other characters are part of the secret.

    Args:
        path: A regular file in UTF-8.
        what: Kind of the secret, for messages.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file holds no valid secret; the message says why, without its content.
    """
    with open_plain(path) as file:
        content = file.read(MAX_BYTES + len(_BOM) + 1).removeprefix(_BOM)
    line = re.split(rb"[\r\n]", content, maxsplit=1)[0]
    if not line:
        raise ValueError(f"found nothing in the first line, expected {what}")
    if len(line) > MAX_BYTES:
        raise ValueError(f"found a first line of over {MAX_BYTES} bytes, expected {what}")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ValueError("found bytes that are not UTF-8, expected text") from None
    if _CONTROL.search(text):
        raise ValueError(f"found a control character in the first line, expected {what}")
    return text


def open_plain(path: str | Path) -> BinaryIO:
    """Open a regular file for reading; pipes and devices, which may block, are refused.

    Raises:
        OSError: The file cannot be read.
        ValueError: The path is no regular file.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - text, see `joined`
        raise ValueError("found no regular file, expected one")
    return open(path, "rb")  # noqa: PTH123


def require_plain(path: Path) -> None:
    """Check that a path is a readable regular file, before a library opens it that would wait for a pipe.

    Raises:
        OSError: It is not.
    """
    try:
        open_plain(path).close()
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), str(path)) from None
