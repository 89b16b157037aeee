"""Starts a Python child process that the kernel kills when the node ends. Imports next to nothing.

A plain `subprocess` instead of `multiprocessing`: a spawned child of the latter imports the node's main module anew
and brings a tracker process along, and its queues pickle.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

_SETTINGS_PREFIX = "PI_CAM_NODE__"


def start_child(module: str, descriptor: int, *arguments: str, output: int | None = None) -> subprocess.Popen[bytes]:
    """Start ``python -m <module> <descriptor> <pid of the node> <arguments…>``.

    The child ignores the signals by which people and systemd end the node: the node ends it. Its module calls
    `parent_death.die_with` first.

    Thread: one that lives as long as the child, which the kernel kills when the thread ends.

    Args:
        module: Module that the child runs.
        descriptor: The child's end of a socket.
        arguments: Further words for the child.
        output: Destination of its output, as for `subprocess.Popen`; by default the node's own standard error.

    Raises:
        OSError: There is no memory or no process left for it.
    """
    # Settings in the environment may be secrets, and the child needs none of them.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS_PREFIX)}
    # Libraries are loaded from where the node loads them, and never from the working directory.
    path = os.pathsep.join(filter(None, sys.path))
    defaults = {
        # The C library's last words go to the terminal otherwise.
        "LIBC_FATAL_STDERR_": "1",
        # OpenCV's own warnings would hide what FFmpeg says before them.
        "OPENCV_LOG_LEVEL": "ERROR",
        # Nothing here multiplies matrices; each of its threads would cost memory.
        "OPENBLAS_NUM_THREADS": "1",
    }
    # Without the columns of each instruction: a traceback becomes one line of the log, where they could mark nothing.
    options = ["-P", "-X", "no_debug_ranges"]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        return subprocess.Popen(  # noqa: S603 # our own interpreter and module, nothing from outside
            [sys.executable, *options, "-m", module, str(descriptor), str(os.getpid()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output if output is not None else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if output is not None else None,
            bufsize=0,
            pass_fds=[descriptor],
            env={**defaults, **inherited, "PYTHONPATH": path},
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
