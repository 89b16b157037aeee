"""Starts the camera's process. Has few imports, so that process and node can import their modules concurrently."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import IO, TYPE_CHECKING

from pi_cam_node.base.child_process import start_child
from pi_cam_node.base.frozen import frozen

if TYPE_CHECKING:
    from pi_cam_node.camera.worker.messages import Open

CHILD = "pi_cam_node.camera.worker.child_main"


@frozen
class Spawned:
    """A started process.

    Attributes:
        process: The process.
        link: The node's end of its socket, non-blocking.
        output: The pipe with its standard output and error, non-blocking.
        opened: The order to open the camera, if already sent.
    """

    process: subprocess.Popen[bytes]
    link: socket.socket
    output: IO[bytes]
    opened: Open | None = None


def spawn(module: str = CHILD, source: str = "") -> Spawned:
    """Start the process. Thread: one that lives as long as the process, which the kernel kills when the thread ends.

    Args:
        module: Module that it runs.
        source: Module of the source, to be imported beforehand; empty: not known yet.

    Raises:
        OSError: There is not enough memory, or too many processes.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = start_child(module, theirs.fileno(), source, output=subprocess.PIPE)
        except BaseException:
            ours.close()
            raise
    ours.setblocking(False)
    assert process.stdout is not None  # spawned with a pipe
    os.set_blocking(process.stdout.fileno(), False)
    return Spawned(process, ours, process.stdout)
