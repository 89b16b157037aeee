"""Starts the camera's process. Imports next to nothing, so that it can import while the node still does.

A plain `subprocess` instead of `multiprocessing`: a spawned child of the latter imports the node's main module anew
and brings a tracker process along, and its queues pickle.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import IO

CHILD = "pi_cam_node.camera.worker.child_main"
_SETTINGS_PREFIX = "PI_CAM_NODE__"


@dataclass(frozen=True, slots=True)
class Spawned:
    """A process that was started.

    Attributes:
        process: It.
        link: Our end of its socket, which does not block.
        output: What it writes, which does not block either.
    """

    process: subprocess.Popen[bytes]
    link: socket.socket
    output: IO[bytes]


def spawn(module: str = CHILD, source: str = "") -> Spawned:
    """Start the process. Thread: one that lives as long as the process, which the kernel kills when the thread ends.

    Args:
        module: What it runs.
        source: Module of the source that it will be told to open, to be imported beforehand; empty: not known yet.

    Raises:
        OSError: There is no memory or no process left for it.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = _start(module, theirs.fileno(), source)
        except BaseException:
            ours.close()
            raise
    ours.setblocking(False)
    assert process.stdout is not None  # it was asked for
    os.set_blocking(process.stdout.fileno(), False)
    return Spawned(process, ours, process.stdout)


def _start(module: str, descriptor: int, source: str) -> subprocess.Popen[bytes]:
    """Start the process, deaf to the signals by which people and systemd end the node: the node ends it."""
    # Settings in the environment may be secrets, and it needs none of them.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS_PREFIX)}
    command = [sys.executable, "-P", "-m", module, str(descriptor), str(os.getpid()), source]
    # Libraries are loaded from where we load them, and never from the working directory.
    path = os.pathsep.join(filter(None, sys.path))
    defaults = {
        # The C library's last words go to the terminal otherwise.
        "LIBC_FATAL_STDERR_": "1",
        # OpenCV's own warnings would hide what FFmpeg says before them.
        "OPENCV_LOG_LEVEL": "ERROR",
        # Nothing here multiplies matrices; each of its threads would cost memory.
        "OPENBLAS_NUM_THREADS": "1",
    }
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        return subprocess.Popen(  # noqa: S603 # our own interpreter and module, nothing from outside
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            pass_fds=[descriptor],
            env={**defaults, **inherited, "PYTHONPATH": path},
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
