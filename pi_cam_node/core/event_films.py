"""The films of events: which are being written, and to which events they belong. Used by the node thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pi_cam_node.base.clock import Clock
from pi_cam_node.core.activity_events import RecordingChanged, RecordingFailed, RecordingSaved, RecordingStarted
from pi_cam_node.core.events import Event, FaultReported
from pi_cam_node.core.history import RecordingRow
from pi_cam_node.core.inputs import FilmFailed, FilmOpened, FilmSaved
from pi_cam_node.core.media_ids import boot_in
from pi_cam_node.core.open_events import OpenEvents
from pi_cam_node.core.ports import Ports


class EventFilms:
    """Stores the rows of films, attaches films to their events, and reports both to the listeners.

    Messages come late where the encoder lags: a film may open when its event and further ones have ended, and while the
    next recording has begun.
    """

    def __init__(
        self,
        ports: Ports,
        clock: Clock,
        events: OpenEvents,
        *,
        emit: Callable[[Event], None],
    ) -> None:
        """Create the state without films.

        Args:
            ports: Database and privacy.
            clock: Tells the time.
            events: Open and recent events.
            emit: Passes an event to the listeners.
        """
        self._store, self._url_of = ports.events, ports.url_of
        self._gate = ports.privacy_port.privacy_gate
        self._clock, self._events, self._emit = clock, events, emit
        self._open: set[str] = set()
        self._newest: FilmOpened | None = None

    @property
    def is_any_open(self) -> bool:
        """Whether a film is being written."""
        return bool(self._open)

    def open_film(self, event_id: str) -> FilmOpened | None:
        """Return the newest film if it was begun for an event and is still being written."""
        film = self._newest
        return film if film is not None and film.event_id == event_id and film.film_id in self._open else None

    def on_input(self, message: FilmOpened | FilmSaved | FilmFailed) -> None:
        """Process a message of the recorder."""
        was_any_open = self.is_any_open
        match message:
            case FilmOpened():
                self._opened(message)
            case FilmSaved():
                self._saved(message)
            case FilmFailed():
                self._failed(message)
        if was_any_open != self.is_any_open:
            self._emit(RecordingChanged(self.is_any_open))

    def _opened(self, message: FilmOpened) -> None:
        film_id = message.film_id
        self._open.add(film_id)
        self._newest = message
        row = RecordingRow(film_id, "open", str(message.path), message.at, cause=message.cause, boot=boot_in(film_id))
        self._store.save_recording(row)
        self._emit(RecordingStarted(message, self._events.recorded(message.event_id, film_id, message.pre_roll_s)))
        first_s = message.first_mono_s
        for event in self._events.of_recording(message.event_id):
            if event.began_mono_s >= first_s and event.row.recording_id != film_id:
                self._events.detach_film(event.row.id)  # the one that it joined by the clock has ended before
            if event.ended_mono_s >= first_s:
                self._events.recorded(event.row.id, film_id, max(0.0, event.began_mono_s - first_s))

    def _saved(self, message: FilmSaved) -> None:
        film = message.film
        self._open.discard(film.id)
        self._store.save_recording(film.row())
        for event in self._events.of_film(film.id):
            is_own = event.row.id == film.event_id  # its film may end, by a fault, with the pre-roll
            if not is_own and event.began_mono_s > film.first_mono_s + film.seconds:
                self._events.detach_film(event.row.id)
        film = replace(film, url=self._url_of(film.id)) if not self._gate.closed else film
        self._emit(RecordingSaved(film, self._events.recorded(film.event_id, film.id) or film.event))

    def _failed(self, message: FilmFailed) -> None:
        self._open.discard(message.film_id)
        if message.film_id:
            self._store.forget_recording(message.film_id)
            for event in self._events.of_film(message.film_id):
                self._events.detach_film(event.row.id)
        self._emit(RecordingFailed(message, self._events.find(message.event_id), self._clock.utcnow()))
        self._emit(FaultReported(message.code, f"recording: {message.reason}"))
