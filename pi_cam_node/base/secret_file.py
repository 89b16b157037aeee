"""Reads a secret from the first line of a file, made with an editor, with echo or on Windows."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def read_secret(path: Path, what: str = "the password") -> str:
    """Return the first line of a file, without its end and without a byte order mark at its beginning.

    A line ends at LF, CR or CRLF and at nothing else: blanks and any other character are part of the secret.

    Args:
        path: A plain file of UTF-8.
        what: Kind of the secret, for messages.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file holds no such secret; the message says why, and nothing of its content.
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


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe or a device is refused, because opening it may take for ever.

    Raises:
        OSError: The file cannot be read.
        ValueError: The path is no plain file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("found no regular file, expected one")
    return path.open("rb")
