"""Starts a Python child process that the kernel kills when the node ends. Keeps its imports minimal.

`subprocess`, not `multiprocessing`: a spawned child of the latter imports the node's main module again and needs a
tracker process, and its queues use pickle.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

_SETTINGS_PREFIX = "PI_CAM_NODE__"


def start_child(module: str, descriptor: int, *arguments: str, output: int | None = None) -> subprocess.Popen[bytes]:
    """Start ``python -m <module> <descriptor> <pid of the node> <arguments…>``.

    The child ignores SIGINT and SIGTERM, as the node ends it. Its module calls `parent_death.die_with` first.

    Thread: one that lives as long as the child, which the kernel kills when the thread ends.

    Args:
        module: Module that the child runs.
        descriptor: The child's end of a socket pair.
        arguments: Further arguments of the child.
        output: Destination of its output, as for `subprocess.Popen`; by default the node's own standard error.

    Raises:
        OSError: There is not enough memory, or too many processes.
    """
    # Settings in the environment may be secrets, and the child needs none of them.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS_PREFIX)}
    # Modules are imported from where the node imports them, never from the working directory.
    path = os.pathsep.join(filter(None, sys.path))
    defaults = {
        # Otherwise fatal messages of the C library go to the terminal.
        "LIBC_FATAL_STDERR_": "1",
        # OpenCV's own warnings would hide the preceding messages of FFmpeg.
        "OPENCV_LOG_LEVEL": "ERROR",
        # OpenBLAS is not needed; each of its threads costs memory.
        "OPENBLAS_NUM_THREADS": "1",
    }
    # Saves the column positions of instructions, which a traceback on one log line cannot show.
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
