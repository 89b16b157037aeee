"""Records of a soak, one JSON object a line: written while it runs, read by the verdict."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Records:
    """Appends records to a file; from any thread.

    Each has ``what`` it is and ``t``, the second of the soak on the monotonic clock.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", buffering=1)
        self._lock = threading.Lock()
        self._start_s = time.monotonic()

    @property
    def now_s(self) -> float:
        """The second of the soak."""
        return time.monotonic() - self._start_s

    def add(self, what: str, **fields: Any) -> None:
        """Write one record with its time."""
        line = json.dumps({"what": what, "t": round(self.now_s, 3), **fields})
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")

    def close(self) -> None:
        """Take no more."""
        with self._lock:
            self._file.close()


def read(path: Path) -> list[Record]:
    """Return the records of a file, but for a last line that was not written whole."""
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
