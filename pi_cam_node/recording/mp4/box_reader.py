"""Reads the boxes of a file written by this package; all lengths are checked before reading."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

# Maximum size of a header; 90 s of video at 60 pictures per second need 70 KiB.
HEADER_BYTES_MAX = 1 << 20


def box_at(file: BinaryIO, position: int) -> tuple[bytes, int] | None:
    """Return kind and size of the box at a position of a file; ``None`` if no complete one can be there."""
    file_bytes = file.seek(0, 2)
    if position + 8 > file_bytes:
        return None
    file.seek(position)
    size, kind = struct.unpack(">I4s", file.read(8))
    return (kind, size) if 8 <= size <= file_bytes - position else None


def content_of(file: BinaryIO, position: int, size: int) -> bytes:
    """Return the content of a header box.

    Raises:
        ValueError: It is too large for one.
    """
    if size > HEADER_BYTES_MAX:
        raise ValueError(f"a header of {size} bytes")
    file.seek(position + 8)
    return file.read(size - 8)


def find_box(content: bytes, *path: bytes) -> bytes:
    """Return the content of the first box below a path of kinds.

    Raises:
        ValueError: The box is missing.
    """
    for kind in path:
        found = next(boxes_of(content, kind), None)
        if found is None:
            raise ValueError(f"no {kind.decode()}")
        content = found
    return content


def boxes_of(content: bytes, kind: bytes) -> Iterator[bytes]:
    """Yield the contents of all boxes of a kind.

    Raises:
        ValueError: A box is damaged.
    """
    position = 0
    while position + 8 <= len(content):
        size, found = struct.unpack_from(">I4s", content, position)
        if size < 8:
            raise ValueError(f"a box of {size} bytes")
        if found == kind:
            yield content[position + 8 : position + size]
        position += size
