"""Ends a process with its parent: the kernel's parent death signal. Source: prctl(2), PR_SET_PDEATHSIG. Linux only.

``python -m pi_cam_node.base.parent_death <parent's pid> <program> …`` executes a program with this signal set. The
alternative, code between fork and exec, is unsafe with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

# From <linux/prctl.h>. Survives exec, unless the program changes its user.
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int, signal_number: int = signal.SIGTERM) -> None:
    """Ask the kernel for a signal when the thread that started this process ends.

    Raises:
        ProcessLookupError: The parent has ended already.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent_pid:
        raise ProcessLookupError(f"the parent {parent_pid} has gone")


def die_with(parent_pid: int) -> None:
    """Let the kernel kill this process when the thread that started it ends, even while it hangs.

    Args:
        parent_pid: Process id of the node; if that has ended already, this process exits at once.
    """
    try:
        end_with_parent(parent_pid, signal.SIGKILL)
    except ProcessLookupError:
        os._exit(1)


def ending_with_this(command: Sequence[str]) -> list[str]:
    """Wrap a command so that it gets SIGTERM when the thread that starts it ends."""
    return [sys.executable, "-P", "-m", "pi_cam_node.base.parent_death", str(os.getpid()), *command]


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - becoming that program is what this one is for
