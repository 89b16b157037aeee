"""Times of packets on the node's clock, from when they arrive and from the camera's own time stamps.

A packet arrives when the network lets it, so its arrival alone jitters; the camera's stamps are even, but count on
another clock, often at a rate that is not the real one, and begin anew when they like. The stamps tell the distance to
the packet before, and the arrival corrects the sum of these distances a little each time.
"""

from __future__ import annotations

# Share of its lateness that each packet corrects: at a rate that is wrong by a fifth, times stay within two tenths of a
# second of the arrival. A packet that comes early corrects all: the network delays, it does not foresee.
_GAIN = 0.05
# Stamps further apart than this have jumped; a stream that pauses so long is opened anew.
_JUMP_S = 10.0
# Least distance between two packets.
_LEAST_S = 0.001


class PacketTimes:
    """Turns time stamps of a stream into monotonic times that grow and are never in the future. Thread: one."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._stamp_s: float | None = None

    def of(self, stamp_s: float | None, arrived_s: float) -> float:
        """Return the monotonic time of a packet, in seconds.

        Args:
            stamp_s: Its time stamp on the camera's clock, in seconds; ``None`` where it has none.
            arrived_s: When it arrived, on the monotonic clock.
        """
        last_s, before_s = self._last_s, self._stamp_s
        self._stamp_s = stamp_s
        mono_s = arrived_s
        if last_s is not None and before_s is not None and stamp_s is not None:
            expected_s = last_s + (stamp_s - before_s)
            if 0 < stamp_s - before_s <= _JUMP_S and arrived_s - expected_s <= _JUMP_S:
                # What the network held back is of the past, as its stamp says.
                mono_s = min(expected_s + _GAIN * (arrived_s - expected_s), arrived_s)
        if last_s is not None:
            mono_s = max(mono_s, last_s + _LEAST_S)
        self._last_s = mono_s
        return mono_s
