"""State and decisions of the node, in one object used by one thread.

`Core.step` takes an input, a frame or only the time, and returns events. It does no I/O; other parts are accessed
through `Ports`.

Path of a frame: `Inbox.take` -> `Core.step` -> `_on_frame` (privacy, camera timeout, trial of settings) ->
`Pipeline.process` (measure, decide, keep, show) -> `Dispatcher.offer` (commands that wait for a frame); the event
`FrameTaken` passes it to the `FrameHub` and so to viewers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import CameraDown, NodeError, PrivacyOn
from pi_cam_node.base.schedule import Due, Interval
from pi_cam_node.config import Config, settings
from pi_cam_node.config.turned_areas import with_turned_areas
from pi_cam_node.core import events as e
from pi_cam_node.core import inputs as i
from pi_cam_node.core.activity import Activity
from pi_cam_node.core.camera_settings import CameraSettings
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.dispatcher import Dispatcher
from pi_cam_node.core.commands.jobs import JobQueue
from pi_cam_node.core.commands.registry import FreshFrame
from pi_cam_node.core.faults import Faults
from pi_cam_node.core.pipeline import Pipeline
from pi_cam_node.core.ports import Ports
from pi_cam_node.core.privacy_switch import PrivacySwitch
from pi_cam_node.core.rules.auto_save import AutoSave, verb_of
from pi_cam_node.core.rules.camera_timeout import CameraTimeout, patience_s
from pi_cam_node.core.rules.memory_budget import MemoryLimits
from pi_cam_node.core.rules.night import NightController
from pi_cam_node.core.rules.ring import Ring
from pi_cam_node.core.rules.settings_rollback import Rollback, SettingsTrial
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.frame_timing import FrameRate

_log = logging.getLogger(__name__)

# Home Assistant subscribes within this time after a connect or its birth message; then telemetry is sent again.
TELEMETRY_AGAIN_S = 1.5


class Core:
    """State of the node, changed by inputs, frames and time. Thread: the node thread, except `write_config`.

    Attributes:
        config: The settings in force.
        camera_online: Whether frames arrive.
        faults: Present faults, and the one shown.
    """

    def __init__(
        self, config: Config, clock: Clock, ports: Ports, *, boot_id: str, budget_bytes: int, node_id: str
    ) -> None:
        now_s = clock.monotonic()
        self.clock, self.commands = clock, registry()
        self.archive, self.images, self.write_config = ports.archive, ports.images, ports.write_config
        self.events, self.links, self.tickets = ports.events, ports.links, ports.tickets
        self.url_of, self.leave, self.demand, self.recorder = ports.url_of, ports.stop, ports.demand, ports.recorder
        self.privacy_gate, self.erase = ports.privacy_port.privacy_gate, ports.privacy_port.erase
        self.privacy = PrivacySwitch(ports.privacy_port, clock, self._forget)
        self._ports, self.config = ports, config
        self._memory, self._camera_settings = MemoryLimits(budget_bytes), CameraSettings()
        self._events: list[e.Event] = []
        self.ring = Ring(self._memory.limits(config))
        self.night = NightController(config.night, now_s)
        self._pipeline = Pipeline(config, self.ring, self.night)
        jobs = JobQueue(ports.submit, lambda: self._memory.for_work(self.config))
        self._dispatcher = Dispatcher(self, jobs, node_id, boot_id)
        self._frame_rate = FrameRate()
        self._latency_ms: float | None = None
        self.camera_online = False
        self._lost_s, self._delivers = float("-inf"), False
        self._camera_timeout, self._trial = CameraTimeout(), SettingsTrial()
        self.faults = Faults(clock)
        self._telemetry = Interval(config.telemetry.interval_s, now_s)
        self._auto_save = AutoSave(config.export, now_s)
        self.activity = Activity(config, clock, ports, ring=self.ring, emit=self.emit, boot_id=boot_id)
        self._timed: tuple[tuple[Due, Callable[[float], None]], ...] = (
            (self.night, self._decide_mode),
            (self._camera_timeout, lambda now_s: self._camera_lost(i.NO_FRAMES, now_s)),
            (self._trial, lambda now_s: self._roll_back(self._trial.overdue(self.config, now_s))),
            (self._dispatcher, self._dispatcher.on_time),
            (self.privacy, lambda _now_s: self.privacy.persist_again(ports.submit)),
            (self._telemetry, self._take_telemetry),
            (self._auto_save, self._save_picture),
            (self.activity, self.activity.on_time),
            (self.faults.state, lambda now_s: self._events.extend(self.faults.state.due(now_s))),
        )
        self._due = tuple(part for part, _ in self._timed)
        self._expect_frame(now_s)
        self._bound_ring()

    # ------------------------------------------------------------ what commands see

    @property
    def latest(self) -> Frame | None:
        """The newest frame while the camera is online."""
        return self._pipeline.latest

    def emit(self, event: e.Event) -> None:
        """Queue an event for the next return of `step`; frequent faults are rate-limited to the newest."""
        if isinstance(event, e.FaultReported):
            self.faults.report(event)
        elif not (isinstance(event, e.PictureSaved) and self.privacy_gate.closed):
            self._events.append(event)
        if isinstance(event, e.PictureSaved):
            self.faults.picture_saved()

    def change(self, key: str, raw: object) -> tuple[object, object]:
        """Change one live setting; see `commands.Context`."""
        new = settings.with_value(self.config, key, raw)
        self._memory.check(self.config, new, key)
        self._camera_settings.check(self.config, new, key)
        old = settings.value_of(self.config, key)
        modes = (self.night.mode, self.night.wanted)
        self._trial.begin(self.config, new, modes, self.clock.monotonic(), delivers=self._delivers)
        self._put_in_force(new)
        return old, settings.value_of(new, key)

    @property
    def unproven(self) -> FreshFrame | None:
        """The frame that settings on trial wait for; see `commands.Context`."""
        proof_mono_s = self._trial.proof_mono_s
        return None if proof_mono_s is None else FreshFrame(proof_mono_s, 2 * self._trial.patience_s)

    def figures(self) -> Mapping[str, object]:
        """Return the telemetry figures as they stand."""
        now_s = self.clock.monotonic()
        return {
            **self._ports.vitals(),
            "resolution": self._camera_settings.resolution,
            "fps": round(self._frame_rate.per_second(now_s), 2),
            "latency_ms": self._latency_ms,
            **self.ring.figures(),
            "commands_waiting": self._dispatcher.waiting,
            "last_error": self.faults.figure(),
        }

    # ------------------------------------------------------------ one step

    @property
    def due_s(self) -> float:
        """Monotonic time at which `step` is to be called without input."""
        return min([part.due_s for part in self._due])

    def step(self, message: i.Input | Frame | None) -> list[e.Event]:
        """Process an input or a frame, if any, run due deadlines, and return the resulting events."""
        now_s = self.clock.monotonic()
        changes = self.night.changes
        try:
            if isinstance(message, Frame):
                self._on_frame(message, now_s)
            elif message is not None and not self.activity.on_input(message):
                self._on_input(message, now_s)
        finally:
            for part, on_time in self._timed:
                if part.due_s <= now_s:
                    on_time(now_s)
        if self.night.changes != changes:
            self._expect_frame(now_s)
        events, self._events = self._events, []
        return events

    def close(self) -> list[e.Event]:
        """Answer pending commands, end open events, and return the last events."""
        self._dispatcher.close()
        self.activity.close()
        events, self._events = self._events, []
        return events

    def _on_frame(self, frame: Frame, now_s: float) -> None:
        if self.privacy_gate.blocks(frame):
            return
        if frame.captured_mono_s <= self._lost_s:  # queued behind the input that reported the loss
            self._pipeline.keep(frame, now_s, self._events)
            return
        if not self.camera_online:
            self._camera_back(now_s)
        self._camera_timeout.frame_received(now_s)
        self._trial.frame(frame.exposed_mono_s, now_s)
        self._frame_rate.count(frame.captured_mono_s)  # by capture time, as queued frames arrive together
        self._events.append(e.FrameTaken(frame))
        self._pipeline.process(frame, now_s, self._events)
        if frame.motion is not None:
            self.activity.report(frame.motion)
        self._dispatcher.offer(frame)
        self._latency_ms = round((self.clock.monotonic() - frame.captured_mono_s) * 1000, 1)

    def _on_input(self, message: i.Input, now_s: float) -> None:
        if isinstance(message, e.InputEvent):
            self._events.append(message)
        self.faults.on_input(message)
        match message:
            case i.CommandArrived():
                self._dispatcher.receive(message)
            case i.WorkEnded() | i.WorkAdvanced():
                self._dispatcher.on_work(message)
            case i.CameraOpened(size=(width, height)):
                self._memory.opened(width, height)
                self._camera_settings.opened(message, self.config)
                self._bound_ring()
            case i.CameraFailed(reason=reason):
                self._camera_lost(reason, now_s)
            case i.SwitchFailed(mode=mode, reason=reason):
                self.night.refused(now_s, mode)
                if self.camera_online:  # otherwise it is a consequence and would hide the cause
                    self.emit(e.FaultReported("camera_down", f"the camera did not switch to {mode}: {reason}"))
                self._roll_back(self._trial.refused(self.config, mode, f"the camera refuses {mode}: {reason}"))
            case i.BrokerConnected() | i.HomeAssistantStarted():
                self._take_telemetry(now_s)
                self._telemetry.due_s = now_s + TELEMETRY_AGAIN_S

    # ------------------------------------------------------------ what is due

    def _decide_mode(self, now_s: float) -> None:
        if (wanted := self.night.on_time(now_s)) is not None:
            self.emit(e.ModeWanted(wanted))

    def _take_telemetry(self, now_s: float) -> None:
        self._telemetry.done(now_s)
        self.emit(e.TelemetryTaken(self.figures()))

    def _save_picture(self, now_s: float) -> None:
        settled_s = self.night.settled_s if self.camera_online else float("inf")
        if settled_s > now_s:
            self._auto_save.postpone(settled_s)
            return
        self._auto_save.saved(now_s)
        self._dispatcher.receive(i.CommandArrived(verb_of(self.config.export), b"", now_s, origin="self"))

    # ------------------------------------------------------------ what follows

    def _camera_back(self, now_s: float) -> None:
        self.camera_online = self._delivers = True
        self.night.restarted(now_s)
        self._auto_save.camera_back()
        self.faults.note("camera", "ok", "")
        self.emit(e.CameraChanged(online=True, reason="frames arrive", at=self.clock.utcnow()))
        self.activity.camera(online=True)

    def _camera_lost(self, reason: str, now_s: float) -> None:
        self._delivers = False
        self.faults.note("camera", "camera_down", reason)
        self._camera_gone(reason, now_s, CameraDown(f"ERROR: the camera is offline: {reason}"))

    def _camera_gone(self, reason: str, now_s: float, refusal: NodeError) -> None:
        self._lost_s = now_s
        self._camera_timeout.camera_lost()
        if self.camera_online:
            self.camera_online, self._delivers = False, self.privacy_gate.closed  # frames are missing by privacy only
            self._pipeline.camera_lost()
            self.activity.camera(online=False)
            self.emit(e.CameraChanged(online=False, reason=reason, at=self.clock.utcnow()))
        self._dispatcher.fail_frames(refusal)

    def _expect_frame(self, now_s: float) -> None:
        self._camera_timeout.set_patience(patience_s(self.config, self.night.mode, self.night.wanted), now_s)

    def _roll_back(self, rollback: Rollback | None) -> None:
        if rollback is not None:
            what = {key: settings.value_of(rollback.config, key) for key in rollback.keys}
            self._put_in_force(rollback.config)
            self.emit(e.SettingsRolledBack(what, rollback.reason, self.clock.utcnow()))
            self.emit(e.FaultReported("camera_down", f"rolled back: {', '.join(what)}: {rollback.reason}"))

    def _forget(self) -> None:
        """Delete all frames in memory, and refuse the commands that wait for frames."""
        self.activity.privacy()
        self.ring.clear()
        self._trial.pause()
        self._camera_gone("privacy", self.clock.monotonic(), PrivacyOn("ERROR: privacy was switched on"))
        self._dispatcher.forget_pictures()
        self.emit(e.RingMeasured(0.0))

    def _put_in_force(self, new: Config) -> None:
        now_s = self.clock.monotonic()
        old, self.config = self.config, (new := with_turned_areas(self.config, new))
        if old.privacy.enable and not new.privacy.enable:
            self._trial.resume(now_s)
        self.night.configure(new.night)
        self._pipeline.configure(new)
        self._telemetry.set_every_s(new.telemetry.interval_s)
        self._auto_save.configure(new.export, now_s)
        self.activity.configure(new)
        self._expect_frame(now_s)
        for key, (_, value) in settings.differences(old, new).items():
            if settings.describe(key).live:  # masks follow the rotation, without an event
                self.emit(e.SettingChanged(key, value))
        self._bound_ring()

    def _bound_ring(self) -> None:
        self.ring.limit(self._memory.limits(self.config))
        if shortage := self._memory.shortage(self.config):
            _log.warning("%s", shortage)
