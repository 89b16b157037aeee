"""Event store in memory, of this run only, for lists without a database."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from pi_cam_node.core.history import EventRow, Page, Query, RecordingRow, RecordingState, page_of


class RecentEvents:
    """Events of this run in memory, the newest `MOST` of them, and its films. Thread: any.

    Each collection is replaced as a whole, so that a thread that reads sees the old or the new one. The node thread
    saves rows, and the worker removes those of films that retention has deleted: a lock keeps either from undoing the
    other's change.
    """

    MOST = 256

    def __init__(self) -> None:
        self._rows: dict[str, EventRow] = {}
        self._recordings: dict[str, RecordingRow] = {}
        self._changing = threading.Lock()

    def save_event(self, row: EventRow) -> None:
        """Store an event; the one that began first is dropped if there are too many."""
        rows = {**self._rows, row.id: row}
        if len(rows) > self.MOST:
            del rows[next(iter(rows))]
        self._rows = rows

    def events(self, query: Query) -> Page[EventRow]:
        """Return events of this run."""
        return page_of(self._rows.values(), query)

    def save_recording(self, row: RecordingRow) -> None:
        """Store a film; the one that began first is dropped if there are too many."""
        with self._changing:
            rows = {**self._recordings, row.id: row}
            if len(rows) > self.MOST:
                del rows[next(iter(rows))]
            self._recordings = rows

    def forget_recording(self, recording_id: str) -> None:
        """Drop the row of a film."""
        with self._changing:
            self._recordings = {key: row for key, row in self._recordings.items() if key != recording_id}

    def recordings(self, *states: RecordingState) -> Sequence[RecordingRow]:
        """Return films of this run in these states, oldest first."""
        return [row for row in self._recordings.values() if row.state in states]

    def flush(self, _deadline_s: float) -> bool:
        """Return at once: nothing of it is ever on disk."""
        return False
