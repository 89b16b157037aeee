"""Lock on the state of one node, so that no second process uses the same configuration file at the same time.

State files hold former ids, the count of starts, privacy and events. Two nodes with one configuration file would take
each other's id for a former one and clear its topics, and count each other's starts.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.runtime.state_files import state_files

_log = logging.getLogger(__name__)

# A node that is being stopped exits within this time.
WAIT_S, POLL_S = 15.0, 0.1
_PID_BYTES = 20


@contextmanager
def locked_state(path: Path | None, environ: Mapping[str, str], wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock ``<config>.lock``; the kernel releases it when the process ends, however that happens.

    Without a state folder, or if the file cannot be written, nothing is locked.

    Args:
        path: The configuration file, ``None`` where there is none.
        environ: Where ``STATE_DIRECTORY`` is looked up.
        wait_s: How long to wait for a process that holds it, in seconds.

    Raises:
        ConfigError: Another process holds it.
    """
    file = state_files(path, environ).lock
    try:
        descriptor = None if file is None else _acquire(file, wait_s)
    except OSError as error:
        _log.warning("a second node with the same settings would not be noticed: %s: %s", file, error.strerror)
        descriptor = None
    if file is None or descriptor is None:
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):  # the next process reuses the file
            file.unlink()
        os.close(descriptor)


def holder_of(path: Path | None, environ: Mapping[str, str]) -> str:
    """Return the process id of the node that runs with this configuration file; empty where none is known to run."""
    file = state_files(path, environ).lock
    try:
        descriptor = None if file is None else os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""  # no lock, or that of another account
    if descriptor is None:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(descriptor)
    finally:
        os.close(descriptor)
    return ""


def _pid_in(descriptor: int) -> str:
    return os.pread(descriptor, _PID_BYTES, 0).decode(errors="replace").strip() or "unknown"


def _acquire(file: Path, wait_s: float) -> int:
    """Return the locked descriptor, open for reading only.

    A file open for writing would prevent remounting a failing or write-protected card read-only.

    Raises:
        ConfigError: Another process holds the lock.
        OSError: The file cannot be made or locked.
    """
    end_s, pause = time.monotonic() + wait_s, threading.Event()
    while True:
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, file):
                _write_pid(file)
                return descriptor
        except BlockingIOError:
            if time.monotonic() >= end_s:
                holder = _pid_in(descriptor)
                os.close(descriptor)
                raise ConfigError([_in_use(file, holder)]) from None
            pause.wait(POLL_S)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _write_pid(file: Path) -> None:
    writing = os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    try:
        os.write(writing, b"%d\n" % os.getpid())
    finally:
        os.close(writing)


def _in_use(file: Path, holder: str) -> str:
    settings = file.with_suffix("")
    return (
        f"{settings}: a node with these settings runs already (process {holder}); a second one needs a file of its "
        "own, whatever the environment sets: docs/how-to/two-cameras.md"
    )


def _is_at(descriptor: int, file: Path) -> bool:
    """Return whether the path still refers to the opened file, which the former holder may have removed."""
    try:
        there = file.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))
