"""Keeps live pictures up to date where a camera sends more than this machine can process."""

from __future__ import annotations

# A picture delayed by more than this is useless for live view; its packet is still kept.
STALE_S = 1.0
# Packets that were stale for so long, though none was waited for, come faster than they are decoded.
_CATCH_UP_S = 2.0


class Backlog:
    """Decides which packets of a stream are decoded, and which pictures are shown. Thread: one.

    Stale pictures are not shown, which leaves time to decode the next ones. If that is not enough, packets are skipped
    up to the next key frame, since others depend on earlier ones.

    Attributes:
        is_skipping: Whether the last packet is to be skipped.
        is_live: Whether its pictures are shown.
    """

    def __init__(self, opened_s: float) -> None:
        """Begin with a stream that was opened at a monotonic time, in seconds."""
        self._in_time_s = opened_s
        self.is_skipping, self.is_live = False, True

    def add(self, arrived_s: float, waited_s: float, late_s: float, *, is_key: bool) -> None:
        """Decide about a packet.

        Args:
            arrived_s: When it was read, on the monotonic clock.
            waited_s: How long it was waited for.
            late_s: How much later than due it was read.
            is_key: Whether it can be decoded without earlier ones.
        """
        is_fresh = late_s < STALE_S
        if is_fresh or waited_s > STALE_S:  # after a stall of the network much comes at once
            self._in_time_s = arrived_s
        is_behind = arrived_s - self._in_time_s > _CATCH_UP_S
        self.is_skipping = (self.is_skipping or is_behind) and not is_key
        self.is_live = is_fresh or is_behind
