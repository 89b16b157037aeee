"""Scene events (motion and triggers), their pictures, and their recordings.

The rules decide (`rules.motion`, `rules.recording`); this module turns their results into events for the listeners and
orders for the recorder. Used by the node thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pi_cam_node.base.clock import Clock, utc_of
from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.config import Config
from pi_cam_node.core.activity_events import EventPictured, MotionChanged, SceneEventBegan, SceneEventEnded
from pi_cam_node.core.event_films import EventFilms
from pi_cam_node.core.event_pictures import EventPictures
from pi_cam_node.core.events import Event, FaultReported
from pi_cam_node.core.history import EndedBy, EventKind, EventRow
from pi_cam_node.core.inputs import FilmFailed, FilmOpened, FilmSaved, Input, WorkEnded
from pi_cam_node.core.open_events import EVENTS_MAX, OpenEvent, OpenEvents
from pi_cam_node.core.ports import Ports
from pi_cam_node.core.rules.motion import MotionRule, MotionSeen
from pi_cam_node.core.rules.recording import Begin, RecordingRule
from pi_cam_node.core.rules.ring import Ring
from pi_cam_node.imaging.motion.interface import MotionReport

# An event's picture is chosen this long after its begin: the one until then with the largest motion.
PICTURE_AFTER_S = 1.5


class Activity:
    """Events of the scene and their recordings.

    Attributes:
        motion: Motion rule.
        recording: Recording rule.
        pictures: Pictures of events, and the last pictures.
        is_flooded: Whether the last motion began no event, because of the hourly limit.
        due_s: When `on_time` is due.
    """

    def __init__(
        self, config: Config, clock: Clock, ports: Ports, *, ring: Ring, emit: Callable[[Event], None], boot_id: str
    ) -> None:
        """Create the state without events.

        Args:
            config: The settings in force.
            clock: Tells the time.
            ports: Archive, recorder and privacy.
            ring: The pictures of the last seconds.
            emit: Passes an event to the listeners.
            boot_id: Id of this run of the node.
        """
        self._config, self._clock, self._ring, self._emit = config, clock, ring, emit
        self._recorder = ports.recorder
        self._events = OpenEvents(clock, ports.events, boot_id)
        self.pictures = EventPictures(ports, ring, emit)
        self.motion = MotionRule(config.motion)
        self.recording = RecordingRule(config.recording)
        self._films = EventFilms(ports, clock, self._events, emit=emit)
        self.is_flooded = False
        self.due_s = NEVER_S

    # ------------------------------------------------------------ observations

    def report(self, report: MotionReport) -> None:
        """Process a report of the motion detector."""
        seen = self.motion.observe(report)
        if seen is not None:
            self._motion(seen)
        self._tell_motion(self.motion.changes(self._clock.monotonic()))
        self._follow()

    def camera(self, *, online: bool) -> None:
        """Process a change of the camera's availability."""
        now_s = self._clock.monotonic()
        if not online:
            self._end_all(now_s, "camera_lost")
        self.recording.camera(online=online, now_s=now_s)
        self._follow()

    def privacy(self) -> None:
        """End every event and recording, because privacy was switched on."""
        self.recording.privacy()
        self._follow()
        self._end_all(self._clock.monotonic(), "privacy")
        self._follow()

    def close(self) -> None:
        """Interrupt open events and recordings, because the node stops."""
        self._end_all(self._clock.monotonic(), "interrupted")

    def configure(self, config: Config) -> None:
        """Apply new settings."""
        now_s = self._clock.monotonic()
        old, self._config = self._config, config
        if old.motion != config.motion:
            for zone, on in self.motion.configure(config.motion).items():
                self._emit(MotionChanged(zone, on))
            if not config.motion.enable and self._events.get("motion"):
                self._end("motion", now_s, "disabled")
        self.recording.configure(config.recording, now_s)
        for _, event in self._events.all():
            if not event.recording and self.recording.covers(event.row.id) and not self._recorder.missing:
                event.recording = self.recording.order.event_id if self.recording.order else ""
        self._follow()

    def on_time(self, now_s: float) -> None:
        """Run due deadlines."""
        self._tell_motion(self.motion.changes(now_s))
        for kind, event in self._events.all():
            if not event.is_pictured and now_s >= event.began_mono_s + PICTURE_AFTER_S:
                self._picture(event)
            if event.until_s <= now_s and not (kind == "motion" and self.motion.on):
                self._end(kind, now_s, "clear")
        self.recording.on_time(now_s)
        self._follow()

    # ------------------------------------------------------------ commands

    def trigger(self, name: str, seconds: float) -> EventRow:
        """Begin an event as motion does, or extend a running one; return it."""
        now_s = self._clock.monotonic()
        running = next((event for _, event in self._events.all()), None)
        if running is not None:
            running.until_s = max(running.until_s, now_s + seconds)
            self._follow()
            return running.row
        return self._begin("trigger", name, now_s, now_s + seconds)

    def record(self, seconds: float | None) -> EventRow:
        """Begin a manual recording, for some seconds or until `stop_recording`; return its event.

        Raises:
            NotSaved: The packages for video are not installed.
        """
        if self._recorder.missing:
            raise NotSaved(f"ERROR: {self._recorder.missing}")
        now_s = self._clock.monotonic()
        until_s = float("inf") if seconds is None else now_s + seconds
        running = self._events.get("record")
        if running is None:
            return self._begin("record", "record", now_s, until_s)
        running.until_s = until_s
        self._follow()
        return running.row

    def stop_recording(self) -> bool:
        """End the manual recording; return whether there was one."""
        is_open = self._events.get("record") is not None
        if is_open:
            self._end("record", self._clock.monotonic(), "clear", by_hand=True)
        return is_open

    def explain_recording(self) -> Mapping[str, object]:
        """Return what is recorded and why, or why nothing is."""
        has_motion = self._config.motion.enable
        told = dict(self.recording.explain(self._clock.monotonic(), has_motion=has_motion))
        if self._recorder.missing:
            told |= {"cause": None, "since_s": None, "ends_in_s": None, "why_not": self._recorder.missing}
        return {"state": "ON" if self._films.is_any_open else "OFF", **told, "encoder": self._recorder.encoder}

    def event_facts(self, event_id: str) -> Mapping[str, object] | None:
        """Return the facts of an open or recent event as JSON values. Thread: any."""
        row = self._events.find(event_id)
        return None if row is None else row.facts()

    # ------------------------------------------------------------ messages of recorder and worker

    def on_input(self, message: Input) -> bool:
        """Process an input about events or films; return whether it was one."""
        if isinstance(message, WorkEnded) and self.pictures.owns(message.work):
            if (done := self.pictures.ended(message)) and (row := self._events.pictured(done[0], done[1].id)):
                self._emit(EventPictured(row, done[1].image, done[1].url))
        elif isinstance(message, FilmOpened | FilmSaved | FilmFailed):
            self._films.on_input(message)
        else:
            return False
        return True

    # ------------------------------------------------------------ inside

    def _motion(self, seen: MotionSeen) -> None:
        event = self._events.get("motion")
        if event is not None:
            self._events.add_zones(event, seen.zones)
            if not event.is_pictured:
                event.best = max(event.best, (seen.area_share, seen.mono_s))
            return
        is_flooded = not self._events.may_begin(seen.mono_s)
        if is_flooded and not self.is_flooded:
            text = f"more than {EVENTS_MAX} events within an hour: lower motion.sensitivity, or set motion.ignore"
            self._emit(FaultReported("busy", text))
        self.is_flooded = is_flooded
        if not is_flooded:
            self._begin("motion", "motion", seen.began_mono_s, float("-inf"), seen)

    def _begin(
        self, kind: EventKind, cause: str, began_s: float, until_s: float, seen: MotionSeen | None = None
    ) -> EventRow:
        event_id, before = self._events.new_id(kind, began_s), self.recording.order
        wanted_s = self.recording.began(event_id, kind, began_s)
        is_recorded = self.recording.covers(event_id) and not self._recorder.missing
        held = self._ring.between(began_s - wanted_s, began_s) if is_recorded else ()
        pre_roll_s = began_s - held[0].mono_s if held else 0.0
        at, zones = utc_of(began_s, self._clock), seen.zones if seen else ()
        row = EventRow(event_id, kind, at, zones=zones, cause=cause, pre_roll_s=pre_roll_s)
        joined = before if before is self.recording.order else None  # one shared recording
        if is_recorded and joined and (film := self._films.open_film(joined.event_id)):
            row = replace(row, recording_id=film.film_id, pre_roll_s=max(0.0, began_s - film.first_mono_s))
        best = (seen.area_share, seen.mono_s) if seen else (0.0, began_s)
        order = self.recording.order if is_recorded else None
        event = OpenEvent(row, began_s, until_s, best, "" if order is None else order.event_id)
        row = self._events.begin(row, event)
        self._tell_motion(self.motion.changes(self._clock.monotonic()))
        self._emit(SceneEventBegan(row))
        self._follow()
        return row

    def _end(self, kind: EventKind, at_s: float, by: EndedBy, *, by_hand: bool = False) -> None:
        event = self._events.get(kind)
        if event is not None and not event.is_pictured:
            self._picture(event)
        row = self._events.end(kind, at_s, by)
        self._emit(SceneEventEnded(row))
        self.recording.ended(row.id, at_s, by_hand=by_hand)
        self._follow()

    def _end_all(self, now_s: float, by: EndedBy) -> None:
        for zone, on in self.motion.stop().items():
            self._emit(MotionChanged(zone, on))
        for kind, _ in self._events.all():
            self._end(kind, now_s, by)

    def _follow(self) -> None:
        """Pass the orders of the rule to the recorder, and set the next deadline."""
        for step in self.recording.steps():
            if self._recorder.missing:
                continue
            if isinstance(step, Begin):
                self._recorder.begin(step.order)
            elif step.at_once:
                self._recorder.stop_now(step.reason)
            else:
                self._recorder.end_at(step.mono_s, step.reason)
        times = [self.motion.due_s, self.recording.due_s]
        for kind, event in self._events.all():
            if not event.is_pictured:
                times.append(event.began_mono_s + PICTURE_AFTER_S)
            if not (kind == "motion" and self.motion.on):
                times.append(event.until_s)
        self.due_s = min(times)

    def _tell_motion(self, changed: Mapping[str, bool | None]) -> None:
        for zone, on in changed.items():
            self._emit(MotionChanged(zone, on))
        event, now_s = self._events.get("motion"), self._clock.monotonic()
        if changed.get("", True) is False and event is not None and event.until_s <= now_s:
            self._end("motion", now_s, "clear")

    def _picture(self, event: OpenEvent) -> None:
        """Save the picture of an event: the one with the largest motion so far."""
        event.is_pictured = True
        self.pictures.save(event.row.id, event.best[1], self._config)
