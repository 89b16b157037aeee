"""Process environment: standard streams, resource limits, and the id of the run.

cron, init scripts and container runtimes start programs with closed streams. Python then has ``None`` for them, and the
next file or socket that is opened gets their number, so that what a C library prints goes into it.
"""

from __future__ import annotations

import os
import resource
import sys
import uuid
from collections.abc import Iterator

_STREAMS = ("stdin", "stdout", "stderr")
# Frames in shared memory, pictures, films and the log are files; the largest picture alone takes tens of MiB.
FILE_MIN_BYTES = 256 << 20
# The connections of the HTTP server, the camera and the broker.
DESCRIPTORS_MIN = 256


def new_boot_id() -> str:
    """Return eight hex digits that name this run of the node."""
    return uuid.uuid4().hex[:8]


def open_missing_streams() -> None:
    """Connect each standard stream that is closed with ``/dev/null``. Call before anything else is opened."""
    for number, name in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken: this one, since those below it are open by now.
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            stream = os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def tight_limits() -> Iterator[str]:
    """Yield a line for each limit that the node cannot work within, with what to change."""
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
