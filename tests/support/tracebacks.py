"""Log handler that keeps unexpected errors."""

from __future__ import annotations

import logging


class Tracebacks(logging.Handler):
    """Keeps the errors of log records with a traceback.

    Attributes:
        found: Those errors, in order.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.found.append(record.exc_info[1])
