"""Executes a program that ends with its parent: ``python -m pi_cam_node.base.launch <parent's pid> <program> …``.

Code between fork and exec would be the other way, and is unsafe where threads run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

MODULE = "pi_cam_node.base.launch"
# From <linux/prctl.h>. Survives exec, unless the program changes its user.
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int) -> None:
    """Ask the kernel for SIGTERM when the thread that started this process ends. Linux only.

    Raises:
        ProcessLookupError: The parent has ended already.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent_pid:
        raise ProcessLookupError(f"the parent {parent_pid} has gone")


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - becoming that program is what this one is for
