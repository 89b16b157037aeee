"""Logging set-up: terminal, journal, and a file of bounded size.

Secrets are masked in the formatted text, including tracebacks; control characters are escaped; and a failing stream or
disk loses lines but does not stop the node.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Literal, Protocol, TextIO

from pi_cam_node.base.control_characters import escaped
from pi_cam_node.base.log_stream import LogStream
from pi_cam_node.base.redaction import redactor
from pi_cam_node.config import LoggingConfig, Section
from pi_cam_node.config.settings import secrets_of

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

# Libraries with thousands of debug lines a minute about their own internals.
_TALKATIVE = ("PIL", "asyncio")

_COLOURS = {logging.DEBUG: "2", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "1;31"}
# Syslog priorities, which the journal reads from the start of a line. Source: sd-daemon(3).
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

_log = logging.getLogger(__name__)
_installed: list[logging.Handler] = []


class LoggedConfig(Protocol):
    """Settings of a program that logs: those of the node, or of the console."""

    @property
    def logging(self) -> LoggingConfig:
        """Level and file."""
        ...


def configure(config: LoggedConfig, stream: TextIO | None = None, *, environ: Mapping[str, str] = os.environ) -> None:
    """Configure the root logger. May be called again.

    Args:
        config: Level, file, and the secrets to mask.
        stream: The terminal; by default standard error.
        environ: Environment with ``JOURNAL_STREAM``, ``NO_COLOR`` and ``TERM``.
    """
    assert isinstance(config, Section)
    stream = sys.stderr if stream is None else stream
    redact = redactor(secrets_of(config))
    handlers: list[logging.Handler] = [LogStream(stream)]
    if _is_journal(stream, environ):
        handlers[0].setFormatter(_JournalFormatter(redact))
    else:
        handlers[0].setFormatter(_TextFormatter(redact, coloured=_wants_colours(stream, environ)))
    if config.logging.file is not None:
        from pi_cam_node.system.log_file import LogFile  # noqa: PLC0415 - 0.3 MB for nothing where there is no file

        handlers.append(LogFile(config.logging.file))
        handlers[1].setFormatter(_TextFormatter(redact))
    _install(handlers)
    set_level(config.logging.level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    # Errors of a closed terminal are ignored; logging would otherwise print the failed record unmasked.
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)


def set_level(level: Level) -> None:
    """Set the log level."""
    logging.getLogger().setLevel(level)


def install_hooks() -> None:
    """Install hooks that log uncaught exceptions of every thread."""
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_thread_ended
    sys.unraisablehook = _on_unraisable


def _install(handlers: list[logging.Handler]) -> None:
    root = logging.getLogger()
    for old in _installed:
        root.removeHandler(old)
        old.close()
    _installed[:] = handlers
    for handler in handlers:
        root.addHandler(handler)


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether a stream leads to the journal. Source: systemd.exec, ``$JOURNAL_STREAM``."""
    try:
        file = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{file.st_dev}:{file.st_ino}"


def _wants_colours(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether to use colours. Source: no-color.org."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class _Formatter(logging.Formatter):
    """Formats records as masked and escaped text; subclasses add the prefix."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def safe_text(self, record: logging.LogRecord) -> str:
        """Return name, message and traceback, masked and escaped; every line but the first is indented."""
        parts = [f"{record.name}: {_message(record)}"]
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        text = self._redact("\n".join(parts))
        return escaped(text).replace("\n", "\n    ")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        # A bug in a log call must neither raise nor be lost.
        where = f"{record.filename}:{record.lineno}"
        return f"{record.msg!r} (the message of {where} could not be filled in: {type(error).__name__})"


class _TextFormatter(_Formatter):
    def __init__(self, redact: Callable[[str], str], *, coloured: bool = False) -> None:
        super().__init__(redact)
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone().isoformat(" ", "milliseconds")
        level = f"{record.levelname:<8}"
        if self._coloured and record.levelno in _COLOURS:
            level = f"\x1b[{_COLOURS[record.levelno]}m{level}\x1b[0m"
        return f"{moment} {level} {self.safe_text(record)}"


class _JournalFormatter(_Formatter):
    """Formats for journald, without time, and with the priority at the start of each line."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return prefix + self.safe_text(record).replace("\n", f"\n{prefix}")


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("uncaught exception: the program ends", exc_info=(kind, error, trace))


def _on_thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_type is SystemExit:
        return
    error = ended.exc_value if ended.exc_value is not None else ended.exc_type()
    name = ended.thread.name if ended.thread is not None else "unknown"
    _log.critical("uncaught exception: thread %s ends", name, exc_info=(ended.exc_type, error, ended.exc_traceback))


def _on_unraisable(event: sys.UnraisableHookArgs) -> None:
    error = event.exc_value if event.exc_value is not None else event.exc_type()
    _log.error(
        "%s in %r", event.err_msg or "error", event.object, exc_info=(event.exc_type, error, event.exc_traceback)
    )
