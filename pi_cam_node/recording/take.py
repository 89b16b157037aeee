"""A take: one running order of the recorder, which writes packets to films."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Code, NodeError, is_disk_full
from pi_cam_node.base.ring_records import Record
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.core.film import Film
from pi_cam_node.core.inputs import FilmFailed, FilmOpened, FilmSaved, Input
from pi_cam_node.core.rules.recording import EndReason, RecordingOrder
from pi_cam_node.imaging.h264 import parameter_sets
from pi_cam_node.imaging.packet import PacketFacts, pts_of
from pi_cam_node.recording.encoder_pool import PacketSource
from pi_cam_node.recording.film_file import FilmFile
from pi_cam_node.recording.gaps import COPIED_S, ENCODED_S, GapMeter
from pi_cam_node.recording.mp4.boxes import TrackBoxes

# How long the thread waits for packets at a time; how long the end of a film waits for the next picture under way.
_WAIT_S, _DRAIN_S = 0.2, 8.0
# Longest wait for a further picture after the end of a film.
_SETTLED_S = 0.5
# Interval of the checks for room on the disk.
_ROOM_S = 10.0
# Pause before another attempt to open a film on a full or missing disk.
_RETRY_S = 10.0
# The card may be slow: the watchdog waits so long.
DISK_PATIENCE_S = 120.0


class TakeOwner(Protocol):
    """Interface of the recorder for a take."""

    loop: MonitoredThread
    clock: Clock
    event: Callable[[str], Mapping[str, object] | None]

    @property
    def end(self) -> tuple[float, EndReason] | None:
        """Time and reason of the end of the current order."""
        ...

    @property
    def max_s(self) -> float:
        """Longest film."""
        ...

    def new_film(self, order: RecordingOrder, mono_s: float, track: TrackBoxes) -> FilmFile:
        """Open the next film of an order; raise NoSpace or OSError where it cannot be opened."""
        ...

    def make_room(self) -> None:
        """Make room on the disk for the next fragments; raise as `new_film`."""
        ...

    def tell(self, message: Input) -> None:
        """Report the result of an order."""
        ...


class Take:
    """One order in progress."""

    def __init__(self, recorder: TakeOwner, order: RecordingOrder, source: PacketSource) -> None:
        self._recorder, self._order, self._source, self._stream = recorder, order, source, source.stream
        self._reader = self._stream.reader_since(order.from_mono_s)
        self._film: FilmFile | None = None
        self._track = 0
        self._gaps = GapMeter(ENCODED_S)
        self._last_s: float | None = None
        self._is_told = False
        self._retry_s = self._room_s = float("-inf")

    def run(self) -> float | None:
        """Record until the end of the order (``None``), or of the source: then return the time of its last packet."""
        recorder, drain_s = self._recorder, None
        while True:
            recorder.loop.beat(DISK_PATIENCE_S)
            item = self._reader.next()
            end = recorder.end
            if item is not None and not (end and item[0].mono_s > end[0]):
                self._take(item[0], item[1])
                drain_s = None  # the encoder is slow, and not at its end
                continue
            if end is not None:
                now_s = recorder.clock.monotonic()
                drain_s = now_s + _DRAIN_S if drain_s is None else drain_s
                is_past = item is not None or end[0] == float("-inf")
                is_whole = is_past or (self._source.is_drained and now_s > end[0] + _SETTLED_S)
                if is_whole or now_s > drain_s + max(0, end[0] - now_s):
                    self._close("encoder" if not is_whole and end[1] == "end" else end[1])
                    break
            elif self._source.has_ended and self._last_s is not None:
                self._close("settings")
                return self._last_s
            else:
                self._tell_failure()
            self._stream.wait(_WAIT_S)
        if not self._is_told:
            self._fail("no_frames", self._source.failure or "no pictures came")
        return None

    def _take(self, record: Record[PacketFacts], data: bytes) -> None:
        if record.meta.sound:
            if self._film is not None:
                self._film.add_sound(data, record.meta.pts, record.meta.sound if self._stream.sound else b"")
            return
        mono_s, key, track = record.mono_s, record.key, record.meta.track
        is_lost = self._reader.missed > 0 or record.meta.after_loss
        film = self._film
        if key and film is not None and self._ends_before(mono_s, data, track):
            is_long = track == self._track and not self._has_new_sound(film)
            if is_long:  # the next film goes on without a gap
                self._gaps.add(mono_s, is_lost=is_lost)
                film.end_mono_s = mono_s
            self._close("max_s" if is_long else "settings")
            film = None
        if film is None:
            if not key or mono_s < self._retry_s:
                return
            film = self._open(mono_s, data, track)
        if film is not None:
            self._last_s = mono_s
            self._gaps.add(mono_s, is_lost=is_lost)
            self._write(film, data, mono_s, key=key)

    def _ends_before(self, mono_s: float, data: bytes, track: int) -> bool:
        """Return whether the open film must end before a key frame."""
        film = self._film
        assert film is not None
        if track != self._track:
            known = self._stream.track(track)
            if (
                known is None
                or known.size != film.track_boxes.size
                or parameter_sets(data) != (film.track_boxes.sps, film.track_boxes.pps)
            ):
                return True
            self._track = track
        return mono_s - film.facts.first_mono_s >= self._recorder.max_s or self._has_new_sound(film)

    def _has_new_sound(self, film: FilmFile) -> bool:
        """Return whether there is sound for which the film has no track, as tracks are declared when it is opened."""
        return bool(self._stream.sound) and self._stream.sound != film.track_boxes.sound

    def _open(self, mono_s: float, data: bytes, track: int) -> FilmFile | None:
        sets, known = parameter_sets(data), self._stream.track(track)
        if sets is None or known is None:
            return None
        boxes = TrackBoxes(known.size, *sets, is_copied=known.is_copied, sound=self._stream.sound)
        try:
            film = self._recorder.new_film(self._order, mono_s, boxes)
        except (OSError, NodeError) as error:
            self._disk_failed(error, mono_s)
            return None
        self._film, self._track = film, track
        self._gaps = GapMeter(COPIED_S if known.is_copied else ENCODED_S)
        wanted_s = max(self._order.from_mono_s, self._order.event_mono_s)
        if self._last_s is None and pts_of(mono_s) > pts_of(wanted_s):  # what is missing before is no part of the event
            self._gaps.add(wanted_s)
        self._is_told = True
        pre_roll_s = max(0.0, self._order.event_mono_s - mono_s)
        self._recorder.tell(
            FilmOpened(
                self._order.event_id,
                film.facts.id,
                self._order.cause,
                pre_roll_s,
                film.facts.first_at,
                film.path,
                mono_s,
            )
        )
        return film

    def _write(self, film: FilmFile, data: bytes, mono_s: float, *, key: bool) -> None:
        try:
            if mono_s - self._room_s >= _ROOM_S:
                self._room_s = mono_s
                self._recorder.make_room()
            film.add(data, mono_s, key=key)
        except FileNotFoundError:  # deleted, perhaps with its folder; the next key frame begins a film in a new one
            self._close("not_saved")
        except (OSError, NodeError) as error:
            self._close("no_space" if is_disk_full(error) else "not_saved")
            self._disk_failed(error, mono_s)

    def _close(self, reason: EndReason) -> None:
        film, self._film = self._film, None
        if film is None:
            return
        saved: Film | None = None
        try:
            saved = film.close(
                reason,
                self._gaps.finish(),
                lambda: self._recorder.loop.beat(DISK_PATIENCE_S),
                self._recorder.event(self._order.event_id),
            )
        except OSError as error:
            self._fail("not_saved", f"the film {film.facts.id} was not finished: {error}", film.facts.id)
            return
        if saved is None:
            self._fail("not_saved", "nothing of the film reached the disk", film.facts.id)
        else:
            self._recorder.tell(FilmSaved(saved))

    def _disk_failed(self, error: Exception, mono_s: float) -> None:
        self._retry_s = mono_s + _RETRY_S
        self._fail("no_space" if is_disk_full(error) else "not_saved", str(error))

    def _tell_failure(self) -> None:
        """Report once that the encoder delivers no packets."""
        failure = self._source.failure
        if failure and not self._is_told:
            self._fail("not_saved", failure)

    def _fail(self, code: Code, reason: str, film_id: str = "") -> None:
        self._is_told = True
        self._recorder.tell(FilmFailed(self._order.event_id, film_id, self._order.cause, code, reason))
