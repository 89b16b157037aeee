"""Copies the output of the camera's process to the node's log: its log records, and messages of libraries."""

from __future__ import annotations

import logging
import re

from pi_cam_node.base.redaction import without_logins

_log = logging.getLogger("pi_cam_node.camera")

# Limit of library messages, as a damaged video file causes one per picture.
_LINES_PER_SPAN = 20
_SPAN_S = 10.0
_HINT_AGE_S = 10.0
_MAX_LINE_BYTES = 4096
_MAX_REASON_CHARS = 500
_MARK = "\x01"
_RECORD = re.compile(rf"{_MARK}(DEBUG|INFO|WARNING|ERROR|CRITICAL) ([\w.]+): (.*)")
# PyAV logs the messages of FFmpeg below this name.
_FFMPEG = "libav."
# Prefix of messages of FFmpeg, OpenCV and libcamera: module, address and time of day.
_PREFIX = re.compile(r"^(\[[^\]]*\]\s*)+")


class OneLine(logging.Formatter):
    """Writes a record, its traceback included, on one line that `ChildLog` can read."""

    def __init__(self) -> None:
        super().__init__(f"{_MARK}%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record on one line."""
        return super().format(record).replace("\n", " | ")


class ChildLog:
    """Converts output to log records with secrets masked; messages of libraries at level debug and a limited rate.

    Thread: one.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._span_mono_s = float("-inf")
        self._lines = 0
        self._hint = ""
        self._hint_mono_s = float("-inf")

    def feed(self, chunk: bytes, now_s: float) -> None:
        """Feed output that was read at a monotonic time; whole lines are logged."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[-_MAX_LINE_BYTES:]
        for line in lines:
            text = without_logins(line[-_MAX_LINE_BYTES:].decode("utf-8", "replace")).strip()
            if text:
                self._take(text, now_s)

    def hint(self, now_s: float) -> str:
        """Return the last message of a library if recent, else an empty text."""
        return self._hint if now_s - self._hint_mono_s <= _HINT_AGE_S else ""

    def forget(self) -> None:
        """Reset, as earlier output belongs to a previous process."""
        self._hint = ""

    def _take(self, text: str, now_s: float) -> None:
        record = _RECORD.search(text)
        if record is not None and not record[2].startswith(_FFMPEG):
            logging.getLogger(record[2]).log(logging.getLevelNamesMapping()[record[1]], "%s", record[3])
            return
        text = text if record is None else record[3]
        self._hint, self._hint_mono_s = short(_PREFIX.sub("", text)), now_s
        if now_s - self._span_mono_s > _SPAN_S:
            self._end_span(now_s)
        self._lines += 1
        if self._lines <= _LINES_PER_SPAN:
            _log.debug("camera process: %s", text)

    def _end_span(self, now_s: float) -> None:
        if self._lines > _LINES_PER_SPAN:
            _log.debug("camera process: %d more lines", self._lines - _LINES_PER_SPAN)
        self._span_mono_s, self._lines = now_s, 0


def short(reason: str) -> str:
    """Return a reason as one line, shortened to fit a message."""
    line = " ".join(reason.split())
    return line if len(line) <= _MAX_REASON_CHARS else line[: _MAX_REASON_CHARS - 1] + "…"
