"""Log handler for standard error that drops lines instead of blocking while the reader has stopped.

A stopped terminal (Ctrl-S), a paused pager, and a container runtime that hangs stop reading. A write then waits for
ever, with the handler's lock, for which every other thread waits that logs: also the watchdog.
"""

from __future__ import annotations

import io
import logging
import select
import sys
from typing import TextIO

# Wait for a reader that is only slow. Short, as every thread that logs waits.
WAIT_MS = 200
# In UTF-8 at most PIPE_BUF (4096) bytes, for which a pipe that can be written has room.
CHUNK_LENGTH = 1000


class LogStream(logging.StreamHandler[TextIO]):
    """Stream handler that drops lines while the stream takes none, and writes how many when it does again.

    Args:
        stream: Where to write; by default standard error.

    Attributes:
        lost: Number of lines lost since the last one that was written.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(sys.stderr if stream is None else stream)
        self.lost = 0
        self._is_torn = False  # whether the last line on the stream has no end
        self._poll: select.poll | None = None
        try:
            descriptor = self.stream.fileno()
        except (OSError, io.UnsupportedOperation):  # a stream in memory, or a closed one
            return
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it as lost."""
        try:
            text = self.format(record) + self.terminator
            if self.lost:
                # Written here and not logged: another handler that logs under its lock would wait for that of this one.
                text = f"{self.format(_missing(self.lost))}{self.terminator}{text}"
            self._write(text)
        except Exception:
            self.handleError(record)

    def _write(self, text: str) -> None:
        for start in range(0, len(text), CHUNK_LENGTH):
            if not self._takes_bytes():
                self.lost += 1
                self._is_torn = self._is_torn or start > 0
                return
            if self._is_torn:
                self.stream.write(self.terminator)
                self._is_torn = False
            self.stream.write(text[start : start + CHUNK_LENGTH])
            self.flush()
        self.lost = 0

    def _takes_bytes(self) -> bool:
        """Return whether a write would not wait; also where it would fail."""
        return self._poll is None or bool(self._poll.poll(0 if self.lost else WAIT_MS))


def _missing(lines: int) -> logging.LogRecord:
    text = "%d lines are missing here, as nobody read them"
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (lines,), None)
