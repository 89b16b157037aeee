"""Heartbeat of disk calls: detects a disk that hangs, whichever job waits for it.

Only disk calls are timed, since the computations of a job may take long and say nothing of the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.threads import Heartbeat

# A disk call that takes longer means that the disk hangs.
SILENT_S = 5.0
# Least write speed of a usable card (SD speed class 4), which extends the limit for large writes.
SLOWEST_BYTES_PER_S = 4_000_000


class IoHeartbeat(Heartbeat):
    """Heartbeat that beats at each disk call and pauses between jobs; when stale, the disk hangs.

    Thread: the one that uses the disk; `is_stale` any.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__("disk", clock, SILENT_S)

    def expect_write(self, size_bytes: int) -> None:
        """Extend the limit for a write of some bytes in the next call."""
        self.beat(size_bytes / SLOWEST_BYTES_PER_S)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time the calls in the ``with`` block; beat at each of several calls."""
        self.beat()
        try:
            yield
        finally:
            self.pause()
