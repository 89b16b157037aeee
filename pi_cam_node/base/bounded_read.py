"""Reads a file that a person named: no more than a limit, and no longer than a pipe or a device gives something."""

from __future__ import annotations

import errno
import os
import select
from pathlib import Path

# Longest wait for the next bytes of a pipe or a device; a file and the output of a command are there at once.
WAIT_S = 10.0


def read_bounded(path: Path, limit_bytes: int, wait_s: float = WAIT_S) -> bytes:
    """Return the content of a file, at most so many bytes.

    Pipes are read, too, as shells make them of ``<(command)``. One to which nobody writes would never open.

    Args:
        path: A file, a pipe, or a device.
        limit_bytes: Most bytes that are returned; a file with more is cut.
        wait_s: Longest time without a byte.

    Raises:
        OSError: It cannot be read, or nothing came in time.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        arrival, content = select.poll(), bytearray()
        arrival.register(descriptor, select.POLLIN)
        while len(content) < limit_bytes:
            if not arrival.poll(wait_s * 1000):
                told = f"nothing came within {wait_s:g} s; it is a pipe or a device, expected a file"
                raise OSError(errno.ETIMEDOUT, told, str(path))
            more = os.read(descriptor, limit_bytes - len(content))
            if not more:
                break
            content += more
        return bytes(content)
    finally:
        os.close(descriptor)
