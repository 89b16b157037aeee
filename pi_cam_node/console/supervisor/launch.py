"""Executes a program that ends with the console: ``python -m …supervisor.launch <console's pid> <program> …``."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

# From <linux/prctl.h>; survives exec.
_PR_SET_PDEATHSIG = 1


def main(words: list[str]) -> None:
    """Ask the kernel for SIGTERM at the parent's end, then become the program.

    Raises:
        ProcessLookupError: The parent has ended already.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(words[0]):
        raise ProcessLookupError(f"the console {words[0]} has gone")
    os.execv(words[1], words[1:])  # noqa: S606 - becoming that program is what this one is for


if __name__ == "__main__":
    main(sys.argv[1:])
