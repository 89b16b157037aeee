"""Process for image tasks: started by the first one, ended after half a minute without one, killed if it hangs.

Tasks and results go over a stream socket: the length of a header as four bytes, the header as JSON, then the pictures.
Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pi_cam_node.base.child_process import start_child
from pi_cam_node.base.errors import NodeError, NotSaved
from pi_cam_node.base.parent_death import die_with
from pi_cam_node.base.threads import Progress
from pi_cam_node.imaging.tasks import Blob, Outcome, no_progress

_log = logging.getLogger(__name__)

MODULE = "pi_cam_node.imaging.task_process"
IDLE_S = 30.0
"""The process ends after so long without a task."""
SILENCE_S = 60.0
"""A process that sends neither progress nor result for so long is killed."""
_START_S = 20.0
_END_S = 2.0
# More than the largest picture, so that a wrong length allocates no memory.
_MOST_BYTES = 1 << 30


class TaskProcess:
    """Runs tasks in a child process, one at a time.

    Thread: any; each call waits for those before it.
    """

    def __init__(
        self,
        module: str = MODULE,
        silence_s: float = SILENCE_S,
        on_wait: Callable[[float], None] = lambda _most_s: None,
    ) -> None:
        """Start nothing yet.

        Args:
            module: Module that the process runs.
            silence_s: See `SILENCE_S`.
            on_wait: Called before each wait with its longest duration in seconds, and with 0 at the end of a task, so
                that the waiting thread does not count as hung. Thread: the caller's.
        """
        self._module, self._silence_s, self._on_wait = module, silence_s, on_wait
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._closed = False
        self.started = 0

    @property
    def pid(self) -> int | None:
        """Process id; ``None`` while there is no process."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def run(
        self, task: str, arguments: Mapping[str, Any], blobs: Sequence[Blob], progress: Progress = no_progress
    ) -> Outcome:
        """Run a task; see `tasks.Run`. What ``progress`` raises ends the task and is raised.

        Raises:
            ValueError: A picture is not one.
            NotSaved: The process could not be started, hung or crashed.
        """
        self._on_wait(self._longest_s)
        try:
            with self._turn:
                return self._run(task, arguments, blobs, progress)
        finally:
            self._on_wait(0.0)

    @property
    def _longest_s(self) -> float:
        """How long the start and a silence may take."""
        return _START_S + self._silence_s

    def _run(self, task: str, arguments: Mapping[str, Any], blobs: Sequence[Blob], progress: Progress) -> Outcome:
        if self._closed:
            raise NotSaved("ERROR: the node is stopping")
        while True:
            is_new = self._link is None
            try:
                return self._try(task, arguments, blobs, progress)
            except _Gone as error:
                self._end()
                # One that was idle may just have ended for want of tasks.
                if is_new or self._closed or isinstance(error.__cause__, TimeoutError):
                    raise NotSaved(f"ERROR: the image process does not do {task}: {error}") from error

    def close(self) -> None:
        """End the process, and take no more tasks. Safe to call twice."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()  # a task under way fails at once
        if self._turn.acquire(timeout=_END_S):
            self._end()
            self._turn.release()

    def _try(self, task: str, arguments: Mapping[str, Any], blobs: Sequence[Blob], progress: Progress) -> Outcome:
        link = self._link or self._start()
        try:
            _send(link, {"task": task, "arguments": arguments}, blobs)
            while True:
                self._on_wait(self._longest_s)
                header, results = _receive(link)
                if "progress" not in header:
                    break
                progress(*header["progress"])
        except (OSError, ValueError) as error:
            raise _Gone(str(error) or type(error).__name__) from error
        except BaseException:
            self._end()  # no caller waits for the rest
            raise
        if "invalid" in header:
            raise ValueError(header["invalid"])
        if "failed" in header:
            raise NotSaved(f"ERROR: {task} failed: {header['failed']}")
        return header["facts"], results

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        started = threading.Event()
        threading.Thread(target=self._keep, args=(theirs, started), name="image process", daemon=True).start()
        started.wait(_START_S)
        theirs.close()
        if self._process is None:
            ours.close()
            raise _Gone("it cannot be started")
        ours.settimeout(self._silence_s)
        self._link = ours
        return ours

    def _keep(self, theirs: socket.socket, started: threading.Event) -> None:
        """Start the process and reap it. The kernel kills it when this thread ends, which is when it has ended."""
        try:
            process = start_child(self._module, theirs.fileno())
        except OSError as error:
            _log.warning("the image process cannot be started: %s", error)
            started.set()
            return
        self._process = process
        self.started += 1
        started.set()
        process.wait()

    def _end(self) -> None:
        process, self._process = self._process, None
        link, self._link = self._link, None
        if link is not None:
            link.close()
        if process is not None:
            process.kill()


class _Gone(Exception):
    """The process does not answer."""


# ---------------------------------------------------------------- both sides


def _send(link: socket.socket, header: Mapping[str, Any], blobs: Sequence[Blob]) -> None:
    line = json.dumps({**header, "sizes": [len(blob) for blob in blobs]}).encode()
    link.sendall(len(line).to_bytes(4, "big") + line)
    for blob in blobs:
        link.sendall(blob)


def _receive(link: socket.socket) -> tuple[dict[str, Any], list[bytes]]:
    """Return a header and its pictures.

    Raises:
        OSError: The other side is gone, or silent for too long.
        ValueError: The message is invalid.
    """
    header: dict[str, Any] = json.loads(_exactly(link, int.from_bytes(_exactly(link, 4), "big")))
    return header, [bytes(_exactly(link, size)) for size in header.pop("sizes")]


def _exactly(link: socket.socket, size_bytes: int) -> bytearray:
    if size_bytes > _MOST_BYTES:
        raise ValueError(f"a message of {size_bytes} B")
    data = bytearray(size_bytes)
    view, filled = memoryview(data), 0
    while filled < size_bytes:
        count = link.recv_into(view[filled:])
        if not count:
            raise ConnectionError("the connection was closed")
        filled += count
    return data


# ---------------------------------------------------------------- the process


def main(descriptor: int, parent: int) -> None:
    """Run tasks until there are none for `IDLE_S`, or the node is gone."""
    die_with(parent)
    link = socket.socket(fileno=descriptor)
    link.settimeout(IDLE_S)
    from pi_cam_node.imaging import task_functions  # noqa: PLC0415 - brings Pillow, which the node does without

    with contextlib.suppress(OSError):  # no task for long, or no node
        while True:
            header, blobs = _receive(link)
            _send(link, *_outcome(task_functions.run, link, header, blobs))
            del blobs
    os._exit(0)


def _outcome(run: Any, link: socket.socket, header: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], Any]:
    def progress(done: int, total: int) -> None:
        _send(link, {"progress": [done, total]}, [])

    try:
        facts, results = run(header["task"], header["arguments"], blobs, progress)
    except OSError:
        raise
    except (ValueError, NodeError) as error:
        return {"invalid": str(error)}, []
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}, []
    return {"facts": facts}, results


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
