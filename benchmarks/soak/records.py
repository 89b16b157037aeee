"""Records of a soak test, one JSON object per line: written while it runs, and evaluated afterwards."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Records:
    """Appends records to a file. Thread: any.

    Each has its kind ``what``, and ``t``, the seconds since the start on the monotonic clock.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", buffering=1)
        self._lock = threading.Lock()
        self._start_s = time.monotonic()

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start_s

    def add(self, what: str, **fields: Any) -> None:
        """Write one record with its time."""
        line = json.dumps({"what": what, "t": round(self.now_s, 3), **fields})
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")

    def close(self) -> None:
        """Close the file; further records are ignored."""
        with self._lock:
            self._file.close()


def read(path: Path) -> list[Record]:
    """Return the records of a file, except an incomplete last line."""
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
