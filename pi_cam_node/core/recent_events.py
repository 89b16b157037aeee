"""In-memory event store of this run, for use without a database."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from pi_cam_node.core.history import EventRow, Page, Query, RecordingRow, RecordingState, page_of


class RecentEvents:
    """Events of this run in memory, the newest `MOST` of them, and its films. Thread: any.

    Collections are replaced as a whole, so readers need no lock. Writers, the node thread and the worker (which removes
    rows of deleted films), hold a lock.
    """

    MOST = 256

    def __init__(self) -> None:
        self._rows: dict[str, EventRow] = {}
        self._recordings: dict[str, RecordingRow] = {}
        self._changing = threading.Lock()

    def save_event(self, row: EventRow) -> None:
        """Store an event; at the limit the one that began first is dropped."""
        rows = {**self._rows, row.id: row}
        if len(rows) > self.MOST:
            del rows[next(iter(rows))]
        self._rows = rows

    def events(self, query: Query) -> Page[EventRow]:
        """Return events of this run."""
        return page_of(self._rows.values(), query)

    def all(self) -> Sequence[EventRow | RecordingRow]:
        """Return all rows."""
        return [*self._rows.values(), *self._recordings.values()]

    def save_recording(self, row: RecordingRow) -> None:
        """Store a film; at the limit the one that began first is dropped."""
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
        """Return at once, as nothing is written to disk."""
        return False
