"""Process environment: standard streams, signals that end a command, resource limits, and the id of the run.

cron, init scripts and container runtimes may start programs with closed streams. Python then has ``None`` for them, and
the next opened file or socket gets their descriptor, so that output of C libraries is written into it.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

_STREAMS = ("stdin", "stdout", "stderr")
# By these a process is ended from outside, and by a terminal that is closed; Python knows of Ctrl-C alone.
END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
# Characters of a QR code on a terminal.
QR_BLOCKS = "▀▄█"
# Least file size limit (RLIMIT_FSIZE): applies to shared memory, pictures, films and the log; a picture takes tens of
# MiB.
FILE_MIN_BYTES = 256 << 20
# Least limit of open files: connections of the HTTP server, camera and broker.
DESCRIPTORS_MIN = 256


def new_boot_id() -> str:
    """Return a random id of this run of the node: eight hex digits."""
    return uuid.uuid4().hex[:8]


def open_missing_streams() -> None:
    """Connect each standard stream that is closed with ``/dev/null``. Call before anything else is opened.

    Writing to a closed stdout still fails (EBADF), as its output would be lost: that may be a backup.
    """
    for number, name in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # Gets the lowest free descriptor: this one, since those below are open.
            os.open(os.devnull, os.O_RDWR if name == "stderr" else os.O_RDONLY)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            stream = os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def escape_unprintable() -> None:
    r"""Let stdout print what its encoding lacks as ``\u2026``, as stderr does.

    That concerns terminals that are not UTF-8, and names of files that are not.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def can_print(text: str) -> bool:
    """Return whether the encoding of stdout has these characters."""
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def ended_cleanly() -> Iterator[None]:
    """Let `END_SIGNALS` raise `SystemExit` in this block, so that ``with`` and ``finally`` leave nothing half-written.

    The exit code is that of shells, 128 + the signal. A signal that is ignored, as by nohup, stays ignored; so do all
    after the first one: a closed terminal may send two.

    Thread: the main thread; in others it changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in END_SIGNALS}

    def end(number: int, _frame: object) -> None:
        for other in END_SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once() -> None:
    """Let `END_SIGNALS` end this process without tidying up: a service that still starts has nothing half-written.

    For systemd one that is ended by SIGTERM has not failed; with an exit code of its own it has.
    """
    for number in END_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def stop_signals() -> list[signal.Signals]:
    """Return the signals that stop a running program: SIGTERM, SIGINT, and SIGHUP unless it is ignored, as by nohup."""
    is_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGINT, *([] if is_ignored else [signal.SIGHUP])]


def tight_limits() -> Iterator[str]:
    """Yield a message for each resource limit that is too low, with advice."""
    size_bytes, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if size_bytes != resource.RLIM_INFINITY and size_bytes < FILE_MIN_BYTES:
        yield (
            f"files may have {size_bytes} bytes at most (ulimit -f, LimitFSIZE=): frames, pictures and the log may not "
            "fit; remove the limit"
        )
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors != resource.RLIM_INFINITY and descriptors < DESCRIPTORS_MIN:
        yield (
            f"{descriptors} files may be open at most (ulimit -n, LimitNOFILE=): viewers are refused early; "
            "raise the limit"
        )
