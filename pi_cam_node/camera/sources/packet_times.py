"""Converts a camera's time stamps to monotonic time, using times of arrival.

Arrival times jitter; the camera's time stamps are even, but on another clock, often at a wrong rate, and may be reset.
Time stamps give the distance to the previous packet, and arrival times correct the sum of the distances a little each
time.
"""

from __future__ import annotations

# Share of its lateness that each packet corrects: at a rate that is wrong by a fifth, times stay within two tenths of a
# second of the arrival. A packet that comes early corrects all: the network delays, it does not foresee.
_GAIN = 0.05
# A greater distance of time stamps is a jump; a stream that pauses for so long is reopened.
_JUMP_S = 10.0
# Least distance between two packets.
_LEAST_S = 0.001


class PacketTimes:
    """Converts time stamps to increasing monotonic times, never in the future. Thread: one."""

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
