"""Converts a camera's time stamps to monotonic time, using times of arrival.

Arrival times jitter; the camera's time stamps are even, but on another clock, often at a wrong rate, and may be reset.
Time stamps give the distance to the previous packet, and arrival times correct the sum of the distances a little each
time.
"""

from __future__ import annotations

from collections import deque

# Share of its lateness that each packet corrects. A packet that comes early corrects all: the network delays, it does
# not foresee.
_GAIN = 0.05
# So many packets in turn that had to be waited for, and were late by more than this, are no delay of the network: the
# camera's clock is slow, as of one that stamps 25 pictures a second and sends five at night. Then each corrects the
# share that the wait for it was of this time, so that times stay within it of the arrival, whatever the rate.
_LATE_PACKETS, _LATE_S, _CORRECTED_S = 3, 0.1, 0.4
# A greater distance of time stamps is a jump; a stream that pauses for so long is reopened.
_JUMP_S = 10.0
# Least distance between two packets.
_LEAST_S = 0.001


class PacketTimes:
    """Converts time stamps to increasing monotonic times, never in the future. Thread: one."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._stamp_s: float | None = None
        self._arrived_s = 0.0
        self._late: deque[float] = deque(maxlen=_LATE_PACKETS)

    def of(self, stamp_s: float | None, arrived_s: float) -> float:
        """Return the monotonic time of a packet, in seconds.

        Args:
            stamp_s: Its time stamp on the camera's clock, in seconds; ``None`` where it has none.
            arrived_s: When it arrived, on the monotonic clock.
        """
        last_s, before_s, waited_s = self._last_s, self._stamp_s, arrived_s - self._arrived_s
        self._stamp_s, self._arrived_s = stamp_s, arrived_s
        mono_s = arrived_s
        if last_s is not None and before_s is not None and stamp_s is not None:
            expected_s = last_s + (stamp_s - before_s)
            if 0 < stamp_s - before_s <= _JUMP_S and arrived_s - expected_s <= _JUMP_S:
                # What the network held back is of the past, as its stamp says.
                late_s = arrived_s - expected_s
                if waited_s >= (stamp_s - before_s) / 2:  # not one of a burst
                    self._late.append(late_s)
                mono_s = min(expected_s + self._share(waited_s) * late_s, arrived_s)
        if last_s is not None:
            mono_s = max(mono_s, last_s + _LEAST_S)
        self._last_s = mono_s
        return mono_s

    def _share(self, waited_s: float) -> float:
        """Return the share of its lateness that a packet corrects, by the seconds that it was waited for."""
        is_slow = len(self._late) == _LATE_PACKETS and min(self._late) > _LATE_S
        return min(max(_GAIN, waited_s / _CORRECTED_S), 1.0) if is_slow else _GAIN
