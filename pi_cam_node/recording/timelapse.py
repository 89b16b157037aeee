"""Timelapse: one picture per interval, one film per day, at 25 pictures a second.

Pictures are collected in memory, and ten, or those of ten minutes, are encoded together by a short-lived process. A
stop, kill or power cut loses pending ones; the film of the day is repaired at the next start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

from pi_cam_node.base.clock import Clock, utc_of
from pi_cam_node.base.errors import Code, NodeError, is_disk_full
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.core.inbox import deliver
from pi_cam_node.core.inputs import FilmFailed, FilmSaved, Input
from pi_cam_node.core.rules.recording import EndReason
from pi_cam_node.imaging.h264 import parameter_sets
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.encoder.process import EncoderLost, EncoderProcess
from pi_cam_node.recording.encoder.wire import Message
from pi_cam_node.recording.film_file import FilmFile
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.live_encoder import PictureReader
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.take import DISK_PATIENCE_S

_log = logging.getLogger(__name__)

RATE_HZ = 25
# Pictures that are encoded together, bytes of JPEG that wait at most, and how long the first of them does.
BATCH, BATCH_BYTES, WAITED_S = 10, 8 << 20, 600.0
_WAIT_S, _IDLE_S = 0.05, 5.0


@frozen
class TimelapseSettings:
    """Settings of the timelapse, read anew for each picture.

    Attributes:
        interval_s: Time between two pictures; 0: off.
        masked: Whether parts of the picture are masked.
    """

    interval_s: float
    masked: bool


class Timelapse:
    """Records the film of the day. Thread: its own; `stop_now`, `wait_idle` and `close` any."""

    def __init__(
        self,
        folder: FilmFolder,
        *,
        pictures: Callable[[float], PictureReader],
        make: Callable[[], EncoderProcess],
        post: Callable[[Input], bool],
        settings: Callable[[], TimelapseSettings],
        clock: Clock,
        may_write: Callable[[], bool],
    ) -> None:
        """Start nothing yet.

        Args:
            folder: The folder of the films.
            pictures: Returns a reader of the ring that begins with the last picture at or before a monotonic moment.
            make: Starts an encoder with the settings in force.
            post: Takes what becomes of a film.
            settings: Returns the settings in force.
            clock: Tells the time.
            may_write: Returns whether the films of an earlier run are repaired; none is begun before.
        """
        self._may_write = may_write
        self._folder, self._pictures, self._make = folder, pictures, make
        self._post, self._settings, self._clock = post, settings, clock
        self._changed = threading.Condition()
        self._stopping = False
        self._end: EndReason | None = None
        self._generation = 0
        self._is_encoding = False
        self._waiting: list[tuple[float, bytes]] = []
        self._due_s = self._newest_s = float("-inf")
        self._film: FilmFile | None = None
        self._shown_s = 0.0  # when its last picture was taken
        self._day: date | None = None
        self._size = (0, 0)
        self.loop = MonitoredThread("timelapse", self._run, clock)

    def start(self) -> None:
        """Start the thread. Once."""
        self.loop.start()

    def forget(self) -> None:
        """Drop pending pictures; the film of the day continues with a gap."""
        with self._changed:
            self._generation += 1
            self._waiting.clear()
            self._changed.notify_all()

    def stop_now(self, reason: EndReason) -> None:
        """Drop pending pictures, and finish the film; the next picture begins another."""
        self.forget()
        with self._changed:
            self._end = reason
            self._changed.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is encoded, and no film is open after `stop_now`; return whether that came in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self.loop.is_alive or (self._end is None and not self._is_encoding), timeout_s
            )

    def close(self, deadline_s: float) -> bool:
        """Finish the film with the pictures that are in it, and end the thread; return whether that went in time."""
        with self._changed:
            self._stopping = True
            self._end = "stopped"
            self._generation += 1
            self._changed.notify_all()
        return self.loop.join(deadline_s)

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while not self._stopping:
            wait_s = self._step()
            with self._changed:
                if self._end is None and not self._stopping:
                    self.loop.pause()
                    self._changed.wait(wait_s)
                self.loop.beat()
            self._finish_where_told()
        self._finish_where_told()

    def _step(self) -> float:
        """Process due work; return the seconds until the next check of settings or picture."""
        interval_s, now_s = self._settings().interval_s, self._clock.monotonic()
        if not interval_s:
            self._due_s = float("-inf")
            self._encode()
            self._close("settings")
            return _IDLE_S
        if now_s >= self._due_s:
            is_missed = self._due_s < now_s - interval_s
            self._due_s = (now_s if is_missed else self._due_s) + interval_s
            self._take(now_s, interval_s)
        return min(_IDLE_S, max(0.0, self._due_s - now_s))

    def _finish_where_told(self) -> None:
        if self._end is not None:
            self._close(self._end)
            with self._changed:
                self._end = None
                self._changed.notify_all()

    def _take(self, now_s: float, interval_s: float) -> None:
        """Take the newest picture, if there is a new one; the next follows after an interval."""
        item = self._pictures(now_s).next()
        if item is None or item[0].mono_s <= self._newest_s:
            return  # the camera is offline or privacy is on: the film has a gap
        self._newest_s = item[0].mono_s
        day = utc_of(self._newest_s, self._clock).astimezone().date()
        # A clock that is set back over midnight does not split the film of the day; one that was wrong by days does.
        if self._day is None or not timedelta(0) <= self._day - day <= timedelta(days=1):
            self._encode()
            self._close("end")
            self._day = day
        with self._changed:
            self._waiting.append((self._newest_s, item[1]))
            del self._waiting[: -2 * BATCH]
            size_bytes, next_s = sum(len(jpeg) for _, jpeg in self._waiting), self._newest_s + interval_s
            is_late = next_s - self._waiting[0][0] > WAITED_S
            is_due = len(self._waiting) >= BATCH or size_bytes >= BATCH_BYTES or is_late
        if is_due:
            self._encode()

    def _encode(self) -> None:
        """Add the pending pictures to the film of the day."""
        if not self._may_write():
            return
        with self._changed:
            waiting, self._waiting, generation = self._waiting, [], self._generation
            self._is_encoding = bool(waiting)
        if not waiting:
            return
        try:
            with closing(self._make()) as process:
                self._add_all(process, waiting, generation)
        except (EncoderLost, OSError, NodeError) as error:
            self._failed(error)
        finally:
            with self._changed:
                self._is_encoding = False
                self._changed.notify_all()

    def _add_all(self, process: EncoderProcess, waiting: Sequence[tuple[float, bytes]], generation: int) -> None:
        """Encode pictures and add them to the film; end where `forget` was called meanwhile."""
        times_s = [mono_s for mono_s, _ in waiting]
        for number, (_, jpeg) in enumerate(waiting):
            process.send(jpeg, number * TIMESCALE_HZ // RATE_HZ)
        while process.waiting:
            for message in process.exchange(_WAIT_S):
                if generation != self._generation:
                    return
                self._add(message, times_s)
            self.loop.beat(DISK_PATIENCE_S)
        if self._film is not None:
            self._film.flush()

    def _add(self, message: Message, times_s: Sequence[float]) -> None:
        if message.kind == "size":
            if (message.number, message.flag) != self._size:
                self._close("settings")
            self._size = (message.number, message.flag)
        elif message.kind == "packet":
            shown_s = times_s[round(message.number * RATE_HZ / TIMESCALE_HZ)]
            if self._film is None:
                self._film = self._open(message.body, shown_s)
            film = self._film
            film.add(message.body, film.facts.first_mono_s + film.frames / RATE_HZ, key=bool(message.flag))
            self._shown_s = shown_s

    def _open(self, data: bytes, mono_s: float) -> FilmFile:
        sets, settings = parameter_sets(data), self._settings()
        if sets is None:
            raise EncoderLost("the encoder gave no parameter sets")
        self._folder.prepare()
        facts = self._folder.new_facts("timelapse", mono_s, masked=settings.masked)
        return self._folder.new_film(replace(facts, interval_s=settings.interval_s), TrackBoxes(self._size, *sets))

    def _close(self, reason: EndReason) -> None:
        film, self._film = self._film, None
        if film is None:
            return
        span_s = self._shown_s - film.facts.first_mono_s + film.facts.interval_s
        try:
            saved = film.close(reason, 0.0, lambda: self.loop.beat(DISK_PATIENCE_S), span_s=span_s)
        except OSError as error:
            self._failed(error, film.facts.id)
            return
        if saved is not None:
            self._tell(FilmSaved(saved))

    def _failed(self, error: Exception, name: str = "") -> None:
        is_full = is_disk_full(error)
        code: Code = "no_space" if is_full else "not_saved"
        _log.warning("pictures of the timelapse are lost: %s", error)
        self._tell(FilmFailed("", name, "timelapse", code, str(error)))
        if not name:
            self._close("no_space" if is_full else "encoder")

    def _tell(self, message: Input) -> None:
        deliver(self._post, message, self.loop, self._has_stopped)

    def _has_stopped(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, timeout_s)
