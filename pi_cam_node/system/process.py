"""Process environment: standard streams, resource limits, and the id of the run.

cron, init scripts and container runtimes may start programs with closed streams. Python then has ``None`` for them, and
the next opened file or socket gets their descriptor, so that output of C libraries is written into it.
"""

from __future__ import annotations

import os
import resource
import sys
import uuid
from collections.abc import Iterator

_STREAMS = ("stdin", "stdout", "stderr")
# Least file size limit (RLIMIT_FSIZE): applies to shared memory, pictures, films and the log; a picture takes tens of
# MiB.
FILE_MIN_BYTES = 256 << 20
# Least limit of open files: connections of the HTTP server, camera and broker.
DESCRIPTORS_MIN = 256


def new_boot_id() -> str:
    """Return a random id of this run of the node: eight hex digits."""
    return uuid.uuid4().hex[:8]


def open_missing_streams() -> None:
    """Connect each standard stream that is closed with ``/dev/null``. Call before anything else is opened.

    Writing to a closed stdout still fails (EBADF), as its output would be lost: that may be a backup.
    """
    for number, name in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # Gets the lowest free descriptor: this one, since those below are open.
            os.open(os.devnull, os.O_RDWR if name == "stderr" else os.O_RDONLY)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            stream = os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def tight_limits() -> Iterator[str]:
    """Yield a message for each resource limit that is too low, with advice."""
    size_bytes, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if size_bytes != resource.RLIM_INFINITY and size_bytes < FILE_MIN_BYTES:
        yield (
            f"files may have {size_bytes} bytes at most (ulimit -f, LimitFSIZE=): frames, pictures and the log may not "
            "fit; remove the limit"
        )
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors != resource.RLIM_INFINITY and descriptors < DESCRIPTORS_MIN:
        yield (
            f"{descriptors} files may be open at most (ulimit -n, LimitNOFILE=): viewers are refused early; "
            "raise the limit"
        )
