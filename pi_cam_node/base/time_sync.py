"""Tells whether the wall clock of this machine has ever been set."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

# From <sys/timex.h>. A read (modes = 0) needs no privilege; the struct has 208 bytes on 64-bit and 128 on 32-bit.
_TIMEX_BYTES = 512
_ERROR, _TIME_ERROR = -1, 5

IsClockSynced = Callable[[], bool]


def clock_is_set() -> bool:
    """Return whether the kernel reports that UTC is synchronised; ``False`` also where it reports nothing.

    A Pi has no battery clock: until NTP answers, its UTC is that of its last shutdown, or 1970.
    """
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return False
    return adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) not in (_ERROR, _TIME_ERROR)
