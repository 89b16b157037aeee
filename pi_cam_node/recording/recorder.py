"""Recorder: writes packets to films, on its own thread, so that a slow card delays nothing else.

Orders are processed one by one. An order results in one or more films: a new one begins at a key frame after `max_s`,
when the picture size changes, and after missed packets. Results go into the inbox.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import NodeError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.core.inbox import deliver
from pi_cam_node.core.inputs import FilmFailed, FilmSaved, Input
from pi_cam_node.core.rules.recording import EndReason, RecordingOrder
from pi_cam_node.recording.encoder_pool import PacketSource, PacketSupply
from pi_cam_node.recording.film_file import FilmFile
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.repair import repair_all
from pi_cam_node.recording.take import DISK_PATIENCE_S, Take

_log = logging.getLogger(__name__)

# How often an encoder is asked for while all are in use, and how long after the end of an order.
_RETRY_S, _LATE_S = 0.5, 8.0


@frozen
class RecorderSettings:
    """Settings of the recorder; read before each film.

    Attributes:
        max_s: Longest film.
        masked: Whether parts of the picture are masked.
        spacing_s: Least time between two pictures of a continuous recording.
    """

    max_s: float
    masked: bool
    spacing_s: float


class Recorder:
    """Writes films. Thread: `begin`, `end_at` and `stop_now` any.

    Attributes:
        is_repaired: Whether unfinished films of an earlier run have been repaired.
    """

    def __init__(
        self,
        folder: FilmFolder,
        *,
        packets: PacketSupply,
        post: Callable[[Input], bool],
        settings: Callable[[], RecorderSettings],
        event: Callable[[str], Mapping[str, object] | None],
        clock: Clock,
    ) -> None:
        """Start nothing yet.

        Args:
            folder: The folder of the films.
            packets: Makes packets of the pictures, or has the camera's.
            post: Puts the result of an order into the inbox; returns whether there was room.
            settings: Returns the settings in force.
            event: Returns what is known of an event by its id; JSON values.
            clock: Tells the time.
        """
        self._folder, self._packets = folder, packets
        self._post, self._settings, self.clock, self.event = post, settings, clock, event
        self._changed = threading.Condition()
        self._orders: deque[RecordingOrder] = deque()
        self._ends: dict[RecordingOrder, tuple[float, EndReason]] = {}
        self._current: RecordingOrder | None = None
        self._end: tuple[float, EndReason] | None = None
        self._stopping = False
        self.is_repaired = False
        self.loop = MonitoredThread("recorder", self._run, clock)

    def start(self) -> None:
        """Start the thread. Once."""
        self.loop.start()

    def begin(self, order: RecordingOrder) -> None:
        """Begin a recording at a time; a running one ends there."""
        with self._changed:
            if self._current is not None and self._end is None:
                self._end = (order.event_mono_s, "end")
            self._orders.append(order)
            self._changed.notify_all()

    def end_at(self, mono_s: float, reason: EndReason = "end") -> None:
        """End the newest order at a time."""
        with self._changed:
            if self._orders:  # it has not begun yet
                self._ends[self._orders[-1]] = (mono_s, reason)
            else:
                self._end = (mono_s, reason)
            self._changed.notify_all()

    def stop_now(self, reason: EndReason) -> None:
        """End all orders at once."""
        with self._changed:
            self._orders.clear()
            self._ends.clear()
            if self._current is not None:
                self._end = (float("-inf"), reason)
            self._changed.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is recorded; return whether that came in time. Thread: any."""
        with self._changed:
            return self._changed.wait_for(lambda: self._current is None and not self._orders, timeout_s)

    def close(self, deadline_s: float) -> bool:
        """Finish what is being written and end the thread; return whether that went in time."""
        self.stop_now("stopped")
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        return self.loop.join(deadline_s)

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        self.loop.beat(DISK_PATIENCE_S)
        try:
            access = self._folder.access
            for film in repair_all(self._folder.directory, lambda: self.loop.beat(DISK_PATIENCE_S), access):
                self.tell(FilmSaved(film))
        except OSError as error:
            _log.warning("films of an earlier run could not be repaired: %s", error)
        self.is_repaired = True
        while True:
            self.loop.beat()
            with self._changed:
                if not self._orders and not self._stopping:
                    self._changed.wait(5.0)
                if self._stopping:
                    return
                if not self._orders:
                    continue
                order = self._current = self._orders.popleft()
                self._end = self._ends.pop(order, None)
                if self._orders and self._end is None:
                    self._end = (self._orders[0].event_mono_s, "end")
            try:
                self._record(order)
            finally:
                with self._changed:
                    self._current = None
                    self._changed.notify_all()

    def _record(self, order: RecordingOrder) -> None:
        spacing_s = self._settings().spacing_s if order.cause == "continuous" else 0.0
        from_s: float | None = order.from_mono_s
        while from_s is not None:
            source = self._acquire(order, from_s, spacing_s)
            if source is None:
                return
            try:
                from_s = Take(self, replace(order, from_mono_s=from_s), source).run()
            finally:
                self._packets.release(source)

    def _acquire(self, order: RecordingOrder, from_s: float, spacing_s: float) -> PacketSource | None:
        """Return packets for an order, waiting for an encoder where all are in use; ``None``: until its end."""
        is_told = False
        while True:
            self.loop.beat()
            try:
                return self._packets.acquire(from_s, spacing_s)
            except NodeError as error:
                if not is_told:
                    is_told = True
                    self.tell(FilmFailed(order.event_id, "", order.cause, error.code, f"{error}; it is tried again"))
            with self._changed:
                if self._end is not None and self.clock.monotonic() > self._end[0] + _LATE_S:
                    return None
                self._changed.wait(_RETRY_S)

    def new_film(self, order: RecordingOrder, mono_s: float, track: TrackBoxes) -> FilmFile:
        """Open the next film of an order.

        Raises:
            NoSpace: There is no room for it.
            OSError: The film cannot be made.
        """
        self.loop.beat(DISK_PATIENCE_S)
        self._folder.prepare()
        facts = replace(
            self._folder.new_facts("recording", mono_s, masked=self._settings().masked),
            event_id=order.event_id,
            cause=order.cause,
            event_mono_s=order.event_mono_s,
            event=self.event(order.event_id),
            copied=track.is_copied,
        )
        return self._folder.new_film(facts, track)

    def make_room(self) -> None:
        """Make room on the disk for the next fragments; see `new_film`."""
        self._folder.make_room(0)

    def tell(self, message: Input) -> None:
        """Put the result of an order into the inbox, waiting for room: `state/recording` follows from it."""
        deliver(self._post, message, self.loop, self._has_stopped)

    def _has_stopped(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, timeout_s)

    @property
    def end(self) -> tuple[float, EndReason] | None:
        """Time and reason of the end of the current order."""
        return self._end

    @property
    def max_s(self) -> float:
        """Longest film."""
        return self._settings().max_s
