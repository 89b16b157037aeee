"""Limits that the shell or the service manager set for the process, where they are too tight to work within."""

from __future__ import annotations

import resource
from collections.abc import Iterator

# Frames in shared memory, pictures, films and the log are files; the largest picture alone takes tens of MiB.
FILE_MIN_BYTES = 256 << 20
# The connections of the HTTP server, the camera and the broker.
DESCRIPTORS_MIN = 256


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
