"""Lets a process end with its parent, however that ends. Linux.

As a program, ``python -m pi_cam_node.cli.demo.parent_death <parent's pid> <program> …`` becomes the program
on such a leash: the code between fork and exec would be the other way, and is unsafe where threads run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

# From <linux/prctl.h>. Survives exec, unless the program changes its user.
_PR_SET_PDEATHSIG = 1


def exit_with_parent(parent_pid: int) -> None:
    """Ask for SIGTERM at the death of the thread that started this process.

    Raises:
        ProcessLookupError: The parent is dead already.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent_pid:
        raise ProcessLookupError(f"the parent {parent_pid} has gone")


if __name__ == "__main__":
    exit_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - becoming that program is what this one is for
