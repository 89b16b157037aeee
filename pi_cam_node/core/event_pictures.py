"""The picture of an event: a picture of the ring, saved on the worker thread. Used by the node thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from pi_cam_node.base.errors import Busy, NodeError
from pi_cam_node.base.threads import Job
from pi_cam_node.config import Config
from pi_cam_node.core.events import Event, FaultReported, PictureSaved
from pi_cam_node.core.inputs import WorkEnded
from pi_cam_node.core.last_pictures import LastPictures
from pi_cam_node.core.picture import picture_of_ring
from pi_cam_node.core.ports import Ports
from pi_cam_node.core.rules.ring import Ring, RingFrame

_log = logging.getLogger(__name__)


class EventPictures:
    """Saves pictures of events and tracks which picture belongs to which event.

    Attributes:
        last: Publishes the last pictures again.
    """

    def __init__(self, ports: Ports, ring: Ring, emit: Callable[[Event], None]) -> None:
        self._archive, self._submit, self._url_of = ports.archive, ports.submit, ports.url_of
        self._gate, self._ring, self._emit = ports.privacy_port.privacy_gate, ring, emit
        self._jobs: dict[int, str] = {}
        self.last = LastPictures(ports, emit)

    def save(self, event_id: str, mono_s: float, config: Config) -> None:
        """Save the ring's picture of a time, if there is one."""
        frames = self._ring.around(mono_s, 1)
        if not frames or self._gate.closed:
            return
        try:
            self._jobs[self._submit(self._gate.guard_job(self._saving(frames[0], config)))] = event_id
        except Busy as error:
            _log.warning("the picture of the event %s is not saved: %s", event_id, error)

    def owns(self, work: int) -> bool:
        """Return whether a job saves the picture of an event, or reads the last pictures."""
        return work in self._jobs or self.last.owns(work)

    def ended(self, ended: WorkEnded) -> tuple[str, PictureSaved] | None:
        """Process the end of a job; return the event's id and its picture, unless privacy is on."""
        if self.last.owns(ended.work):
            self.last.ended(ended)
            return None
        event_id = self._jobs.pop(ended.work)
        if isinstance(ended.error, NodeError):
            self._emit(FaultReported(ended.error.code, f"picture of an event: {ended.error}"))
        if not isinstance(ended.result, PictureSaved) or self._gate.closed:
            return None
        saved = replace(ended.result, url=self._url_of(ended.result.id))
        self._emit(saved)
        return event_id, saved

    def _saving(self, frame: RingFrame, config: Config) -> Job:
        picture = picture_of_ring("event", [frame], frame.jpeg)
        return lambda _progress: self._archive.save(picture, ["jpg"], config)
