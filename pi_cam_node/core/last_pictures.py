"""Publishes the last picture, and the last event with a picture, again after the start and after privacy.

Both are read from disk, since privacy removes them from the broker and a restart from memory. Used by the node thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from pi_cam_node.base.errors import Busy, NodeError
from pi_cam_node.base.threads import Progress
from pi_cam_node.config import Config
from pi_cam_node.core.activity_events import EventPictured, NoEventPictured
from pi_cam_node.core.events import Event, PictureReloaded, PictureSaved
from pi_cam_node.core.history import LIMIT_MAX, EventRow, Query
from pi_cam_node.core.inputs import WorkEnded
from pi_cam_node.core.ports import Ports

_log = logging.getLogger(__name__)

Found = tuple[PictureSaved | None, tuple[EventRow, PictureSaved] | None]


class LastPictures:
    """Reads the last pictures on the worker thread and emits them as events."""

    def __init__(self, ports: Ports, emit: Callable[[Event], None]) -> None:
        self._archive, self._events, self._submit, self._url_of = (
            ports.archive,
            ports.events,
            ports.submit,
            ports.url_of,
        )
        self._gate, self._emit = ports.privacy_port.privacy_gate, emit
        self._work: int | None = None

    def reload(self, config: Config) -> None:
        """Start to read and publish the last pictures; does nothing in privacy."""
        if self._gate.closed:
            return

        def read(_progress: Progress) -> Found:
            return self._archive.reload(config), self._last_event(config)

        try:
            self._work = self._submit(self._gate.guard_job(read))
        except Busy as error:
            _log.info("the last pictures are not told again: %s", error)

    def owns(self, work: int) -> bool:
        """Return whether a job is one of these."""
        return work == self._work

    def ended(self, ended: WorkEnded) -> None:
        """Emit the pictures that were read."""
        self._work = None
        if ended.error is not None:
            _log.info("the last pictures are not told again: %s", ended.error)
        elif not self._gate.closed:
            saved, event = ended.result
            self._emit(PictureReloaded(saved and replace(saved, url=self._url_of(saved.id))))
            if event is None:
                self._emit(NoEventPictured())
            else:
                row, picture = event
                self._emit(EventPictured(row, picture.image, self._url_of(picture.id), reloaded=True))

    def _last_event(self, config: Config) -> tuple[EventRow, PictureSaved] | None:
        """Return the newest event whose picture still exists. Thread: the worker."""
        try:
            rows = self._events.events(Query(limit=LIMIT_MAX)).rows
        except (NodeError, LookupError) as error:
            _log.info("the last event is not told again: %s", error)
            return None
        row = next((row for row in rows if row.picture_id and self._archive.find(row.picture_id)), None)
        picture = None if row is None or row.picture_id is None else self._archive.reload(config, row.picture_id)
        return None if row is None or picture is None else (row, picture)
