"""Cached state for the pages and the API, updated from events. Thread: the web server's."""

from __future__ import annotations

import logging

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import NodeError
from pi_cam_node.config import Config, settings
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.config.turned_areas import with_turned_areas
from pi_cam_node.core import events as e
from pi_cam_node.core.activity_events import MotionChanged, RecordingChanged
from pi_cam_node.core.inputs import BrokerConnected, BrokerLost
from pi_cam_node.web.context import State

_log = logging.getLogger(__name__)

BRIGHTNESS_KEPT_S = 3600.0
BRIGHTNESS_EVERY_S = 10.0
PICTURES_KEPT = 24
NO_FAULT = "ok"


class StateCache:
    """Updates a `State` from events."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._clock = clock
        self.state = State(
            config, states={"camera": "offline", "privacy": _on(config.privacy.enable), "last_error": NO_FAULT}
        )

    def on_event(self, event: e.Event) -> None:  # noqa: C901, PLR0912 - one case an event
        """Update the state; irrelevant events are ignored."""
        states = self.state.states
        match event:
            case e.BrightnessMeasured(level=level, lux=lux):
                states["brightness"] = round(level, 1)
                states["lux"] = None if lux is None else round(lux, 2)
                self._plot(level)
            case e.RingMeasured(seconds=seconds):
                states["ring_seconds"] = round(seconds, 1)
            case e.ModeChanged(mode=mode):
                states["mode"] = mode
            case e.CameraChanged(online=online):
                states["camera"] = "online" if online else "offline"
            case e.FaultReported(code=code, message=message):
                states["last_error"] = f"{code}: {message}" if message else NO_FAULT
            case e.TelemetryTaken(figures=figures):
                self.state.telemetry = figures
            case e.SettingChanged(key=key, value=value):
                self._change(key, value)
                if key == PRIVACY_KEY:
                    states["privacy"] = _on(bool(value))
            case e.PictureSaved():
                self.state.media = [event.facts(), *self.state.media[: PICTURES_KEPT - 1]]
            case e.MediaDeleted(id=media_id):
                self.state.media = [facts for facts in self.state.media if facts["id"] != media_id]
            case BrokerConnected() | BrokerLost():
                self.state.broker = isinstance(event, BrokerConnected)
                self.state.broker_away_because = event.reason if isinstance(event, BrokerLost) else ""
            case MotionChanged() | RecordingChanged():
                self._set_activity(event)
            case _:
                return

    def _set_activity(self, event: MotionChanged | RecordingChanged) -> None:
        states = self.state.states
        if isinstance(event, RecordingChanged):
            states["recording"] = _on(event.on)
            return
        key = f"motion/{event.zone}" if event.zone else "motion"
        if event.on is None:
            states.pop(key, None)
        else:
            states[key] = _on(event.on)

    def _plot(self, level: float) -> None:
        """Store a brightness value, at most one (the newest) per ten seconds.

        Values in the future, after a jump of the wall clock, are dropped like old ones.
        """
        points, now_s = self.state.brightness, self._clock.utcnow().timestamp()
        points[:] = [point for point in points if 0 <= now_s - point[0] <= BRIGHTNESS_KEPT_S]
        point = (round(now_s, 1), round(level, 1))
        if points and points[-1][0] // BRIGHTNESS_EVERY_S == point[0] // BRIGHTNESS_EVERY_S:
            points[-1] = point
        else:
            points.append(point)

    def _change(self, key: str, value: object) -> None:
        try:
            new = settings.with_value(self.state.config, key, value)
            self.state.config = with_turned_areas(self.state.config, new)
            self.state.settings_changed += 1
        except NodeError as error:
            # Related settings arrive one by one; the core has validated them together.
            _log.warning("%s keeps its old value in the pages and the API: %s", key, error)


def _on(is_on: bool) -> str:
    return "ON" if is_on else "OFF"
