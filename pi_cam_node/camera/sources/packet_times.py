"""Converts a camera's time stamps to monotonic time, using arrival times.

Arrival times have jitter. The camera's time stamps are regular, but on another clock, often with a wrong rate, and may
be reset. So time stamps give the distance to the previous packet, and arrival times correct the accumulated drift
gradually.
"""

from __future__ import annotations

from collections import deque
from typing import Any

# Share of its lateness that a packet corrects which had to be waited for; the rest of a burst has the right stamps. An
# early packet corrects everything, as the network can only delay.
_GAIN = 0.05
# This many consecutive packets must have been waited for until one corrects anything: a single wait may be for the
# processor. If all were late by more than a threshold, the camera's clock is slow (e.g. stamps for 25 pictures per
# second, but five sent at night), rather than the network. Then each packet corrects the ratio of its wait to this time
# constant, so that times stay within it of the arrival at any rate.
_LATE_PACKETS, _LATE_S, _CORRECTED_S = 3, 0.1, 0.4
# A greater distance of time stamps is a jump; a stream that pauses for this long is reopened anyway.
_JUMP_S = 10.0
# Least distance between two packets.
_LEAST_S = 0.001


def stamp_of(packet: Any) -> float | None:
    """Return the time stamp of PyAV's packet on the camera's clock, in seconds; ``None`` if missing."""
    return None if packet.pts is None else float(packet.pts * packet.time_base)


class PacketTimes:
    """Converts time stamps to increasing monotonic times. Thread: one.

    They are not later than the arrival, except in a burst: by `_LEAST_S` for each packet that came at the same moment.
    """

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._stamp_s: float | None = None
        self._arrived_s = self._waited_s = 0.0
        self._late: deque[float] = deque(maxlen=_LATE_PACKETS)

    def of(self, stamp_s: float | None, arrived_s: float, waited_s: float | None = None) -> float:
        """Return the monotonic time of a packet, in seconds.

        Args:
            stamp_s: Its time stamp on the camera's clock, in seconds; ``None`` if missing.
            arrived_s: When it was read, on the monotonic clock.
            waited_s: For how many seconds packets of the connection have been waited for in total, as those that are
                read late have been there before; ``None``: since the last one.
        """
        last_s, before_s, interval_s = self._last_s, self._stamp_s, arrived_s - self._arrived_s
        wait_s = interval_s if waited_s is None else waited_s - self._waited_s
        self._waited_s = waited_s or 0.0
        self._stamp_s, self._arrived_s = stamp_s, arrived_s
        mono_s = arrived_s
        if last_s is not None and before_s is not None and stamp_s is not None:
            expected_s = last_s + (stamp_s - before_s)
            if 0 < stamp_s - before_s <= _JUMP_S and arrived_s - expected_s <= _JUMP_S:
                # A packet delayed by the network, or by this machine, keeps the time of its stamp.
                late_s, distance_s = arrived_s - expected_s, stamp_s - before_s
                is_waited_for = interval_s >= distance_s / 2 and wait_s >= distance_s / 4  # not part of a burst
                if is_waited_for:
                    self._late.append(late_s)
                else:
                    self._late.clear()
                mono_s = min(expected_s + self._share(interval_s) * late_s, arrived_s)
        if last_s is not None:
            mono_s = max(mono_s, last_s + _LEAST_S)
        self._last_s = mono_s
        return mono_s

    def _share(self, interval_s: float) -> float:
        """Return the share of its lateness that a packet corrects, by the seconds since the one before."""
        if len(self._late) < _LATE_PACKETS:
            return 0.0
        return min(max(_GAIN, interval_s / _CORRECTED_S), 1.0) if min(self._late) > _LATE_S else _GAIN
