"""Reads files that the user named, with a limit of bytes, and a deadline for pipes and devices."""

from __future__ import annotations

import errno
import os
import select
from pathlib import Path
from typing import BinaryIO

# Longest wait for the next bytes of a pipe or a device; a file and the output of a command are there at once.
WAIT_S = 10.0
# Longest wait for the first bytes of a stream, whose sender may have to prepare them.
FIRST_S = 60.0


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
        content = bytearray()
        while len(content) < limit_bytes:
            _await(descriptor, path, wait_s)
            more = os.read(descriptor, limit_bytes - len(content))
            if not more:
                break
            content += more
        return bytes(content)
    finally:
        os.close(descriptor)


def open_stream(path: Path, wait_s: float = FIRST_S) -> BinaryIO:
    """Open a file, a pipe or a device for reading, once its first bytes are there; no limit applies to those after.

    Raises:
        OSError: It cannot be opened, or nothing came in time.
    """

    def opened(name: str, flags: int) -> int:
        descriptor = os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            _await(descriptor, path, wait_s)
            os.set_blocking(descriptor, True)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    return open(path, "rb", opener=opened)


def _await(descriptor: int, path: Path, wait_s: float) -> None:
    """Wait until something can be read, or the end was reached; raise OSError if neither came in time."""
    arrival = select.poll()
    arrival.register(descriptor, select.POLLIN)
    if not arrival.poll(wait_s * 1000):
        told = f"nothing came within {wait_s:g} s; it is a pipe or a device, expected a file"
        raise OSError(errno.ETIMEDOUT, told, str(path))
