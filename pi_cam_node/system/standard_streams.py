"""Ensures that standard input, output and error are open.

cron, init scripts and container runtimes start programs with closed streams. Python then has ``None`` for them, and the
next file or socket that is opened gets their number, so that what a C library prints goes into it.
"""

from __future__ import annotations

import os
import sys

_STREAMS = ("stdin", "stdout", "stderr")


def open_missing() -> None:
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
