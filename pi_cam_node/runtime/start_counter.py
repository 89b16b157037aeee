"""Counts failed starts in a row: first the last good settings are used, then safe mode.

A run counts as failed if the node gave up, or if it was interrupted (killed, power cut, out of memory) before the first
frame, unless privacy was on. It does not count if it was stopped cleanly, lasted `PROVEN_S` with frames or with a
reported camera failure, or was interrupted after frames had come. From the `GOOD_START`-th start in a row the last good
settings are used, from the `SAFE_START`-th the camera is not used (safe mode).
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, replace
from pathlib import Path

from pi_cam_node.base.atomic_files import replace_atomically
from pi_cam_node.base.frozen import frozen

_log = logging.getLogger(__name__)

GOOD_START, SAFE_START = 3, 5
PROVEN_S = 60.0
MAX_BYTES = 4096
# Longest wait for the lock, as a thread may hang while it writes.
LOCK_S = 1.0


@frozen
class RunRecord:
    """Record on disk of one run of the node.

    Attributes:
        start: Its number in a row of failed starts; 0 if it counts as good.
        had_frames: Whether frames came, or privacy prevented them.
        failed: Why the node gave up; empty if it did not.
    """

    start: int = 0
    had_frames: bool = False
    failed: str = ""

    @property
    def next_start(self) -> int:
        """The number of the start after this run."""
        return self.start + 1 if self.failed or not self.had_frames else 1


class StartCounter:
    """Counter of failed starts in a small synced file; errors of the file do not prevent a start.

    Thread: any.

    Args:
        path: The file; ``None``: do not count.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._record = RunRecord()
        self._troubled = False
        self._lock = threading.Lock()

    def begin(self) -> int:
        """Count a start and return its number, 1 after a good run."""
        last = self._load()
        self._record = RunRecord(last.next_start if last is not None else 1)
        self._save()
        return self._record.start

    def frames_came(self) -> None:
        """Record that frames came, or that privacy prevents them."""
        if not self._record.had_frames:
            self._record = replace(self._record, had_frames=True)
            self._save()

    def failed(self, why: str) -> None:
        """Record that the node gives up."""
        self._record = replace(self._record, failed=why[:200])
        self._save()

    def proved(self) -> None:
        """Record that this run is good, or was stopped on purpose; resets the count."""
        if self._record != RunRecord(0, had_frames=True):
            self._record = RunRecord(0, had_frames=True)
            self._save()

    def forget(self) -> Path | None:
        """Stop counting, and return the file, to be removed by the caller."""
        with self._lock:
            path, self._path = self._path, None
        return path

    def _load(self) -> RunRecord | None:
        """Return the record of the last run; ``None`` if there is none."""
        if self._path is None:
            return None
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(MAX_BYTES))
            return RunRecord(max(0, int(told["start"])), bool(told["had_frames"]), str(told["failed"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            _log.warning("%s says nothing of the last start: %s", self._path, error)
            return None

    def _save(self) -> None:
        if self._path is None or not self._lock.acquire(timeout=LOCK_S):
            return
        try:
            replace_atomically(self._path, json.dumps(asdict(self._record)).encode())
        except OSError as error:
            if not self._troubled:
                _log.warning("starts are not counted: %s: %s", self._path, error.strerror)
            self._troubled = True
        finally:
            self._lock.release()
