"""Heartbeat of disk calls: shows that the disk does not answer, whichever job waits for it.

What a job computes takes as long as it takes and says nothing of the disk, so only calls of the disk are timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.threads import Heartbeat

# A call that takes this long has met a disk that no longer answers.
SILENT_S = 5.0
# What the slowest card writes that is still of use; a large picture may take as much longer. Source: SD speed class 4.
SLOWEST_BYTES_PER_S = 4_000_000


class IoHeartbeat(Heartbeat):
    """Heartbeat that beats at each disk call and is idle between jobs; stale, it means that the disk hangs.

    Thread: the one that uses the disk; `is_stale` may be asked by any.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__("disk", clock, SILENT_S)

    def expect_write(self, size_bytes: int) -> None:
        """Say that so many bytes are written in the next call."""
        self.beat(size_bytes / SLOWEST_BYTES_PER_S)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time what is done in the block; where it makes many calls it beats at each."""
        self.beat()
        try:
            yield
        finally:
            self.pause()
