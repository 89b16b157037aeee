"""Everything that the node knows and decides, in one object used by one thread.

`step` is a plain function: an arrival or a frame goes in, facts come out. It knows neither topics nor
sockets nor disks; what it needs of the world it is given as `Ports`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import CameraDown, NodeError, PrivacyOn
from pi_cam_node.config import Config, settings
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.dispatcher import Dispatcher
from pi_cam_node.core.commands.jobs import JobQueue
from pi_cam_node.core.commands.registry import Command, FreshFrame
from pi_cam_node.core.events import (
    CameraChanged,
    Event,
    FaultReported,
    InputEvent,
    ModeWanted,
    PictureSaved,
    RingMeasured,
    SettingChanged,
    SettingsRolledBack,
    TelemetryTaken,
)
from pi_cam_node.core.inputs import (
    BrokerRefused,
    CameraFailed,
    CameraOpened,
    CommandArrived,
    Input,
    PictureBlank,
    StorageChanged,
    SwitchFailed,
    WorkAdvanced,
    WorkEnded,
)
from pi_cam_node.core.pipeline import Pipeline
from pi_cam_node.core.ports import Ports
from pi_cam_node.core.privacy_switch import PrivacySwitch
from pi_cam_node.core.rules.auto_save import AutoSave
from pi_cam_node.core.rules.camera_timeout import CameraTimeout
from pi_cam_node.core.rules.fault_state import FaultState
from pi_cam_node.core.rules.frame_rate import FrameRate
from pi_cam_node.core.rules.memory_limits import MemoryLimits
from pi_cam_node.core.rules.night import NightController
from pi_cam_node.core.rules.ring import Ring
from pi_cam_node.core.rules.settings_rollback import Rollback, SettingsTrial
from pi_cam_node.imaging.frame import Frame, Mode

_log = logging.getLogger(__name__)


class Core:
    """The owner of all state. Thread: the node thread, but for `write_config`."""

    def __init__(
        self, config: Config, clock: Clock, ports: Ports, *, boot_id: str, budget_bytes: int, node_id: str
    ) -> None:
        now_s = clock.monotonic()
        self.clock = clock
        self.archive, self.events, self.links, self.tickets = ports.archive, ports.events, ports.links, ports.tickets
        self.curtain, self.erase = ports.discretion.curtain, ports.discretion.erase
        self.privacy = PrivacySwitch(ports.discretion, clock, self._forget)
        self._ports = ports
        self._config = config
        self._room = MemoryLimits(budget_bytes)
        self._facts: list[Event] = []
        self.ring = Ring(self._room.limits(config))
        self.night = NightController(config.night, now_s)
        self._pipeline = Pipeline(config, clock, self.ring, self.night)
        errands = JobQueue(ports.submit, lambda: self._room.for_work(self._config))
        self._dispatcher = Dispatcher(self, errands, node_id, boot_id)
        self._rate = FrameRate()
        self._latency_ms: float | None = None
        self._online = False
        self._silence = CameraTimeout()
        self._faults = FaultState()
        self._trial = SettingsTrial()
        self._lost_s = float("-inf")
        self._telemetry_s = now_s
        self._saving = AutoSave(now_s)
        self._warn_of_shrunk_ring()

    # ------------------------------------------------------------ what commands see

    @property
    def config(self) -> Config:
        """The settings in force."""
        return self._config

    @property
    def camera_online(self) -> bool:
        """Whether frames arrive."""
        return self._online

    @property
    def latest(self) -> Frame | None:
        """The newest frame while the camera is there."""
        return self._pipeline.latest

    @property
    def commands(self) -> Mapping[str, Command]:
        """Every command by its verb."""
        return registry()

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits for an answer, so that time must be looked at often."""
        return self._dispatcher.waiting > 0

    @property
    def wanted_mode(self) -> Mode:
        """The mode that the camera was asked for last."""
        return self.night.wanted

    def emit(self, fact: Event) -> None:
        """Tell the adapters with the next return of `step`; of a flood of faults only the newest, now and then."""
        if isinstance(fact, FaultReported):
            self._faults.report(fact)
        elif not (isinstance(fact, PictureSaved) and self.curtain.closed):
            self._facts.append(fact)

    def change(self, key: str, raw: object) -> tuple[object, object]:
        """Change one live setting; see `commands.Context`."""
        new = settings.with_value(self._config, key, raw)
        self._room.check(self._config, new, key)
        old = settings.value_of(self._config, key)
        modes = (self.night.mode, self.night.wanted)
        self._trial.begin(self._config, new, modes, self.clock.monotonic(), delivers=self._online)
        self._put_in_force(new)
        return old, settings.value_of(new, key)

    @property
    def unproven(self) -> FreshFrame | None:
        """The frame that settings on trial wait for; see `commands.Context`."""
        proof_mono_s = self._trial.proof_mono_s
        return None if proof_mono_s is None else FreshFrame(proof_mono_s, 2 * self._trial.patience_s)

    def write_config(self, config: Config) -> Path:
        """Write settings into the configuration file; see `commands.Context`."""
        return self._ports.write_config(config)

    def figures(self) -> Mapping[str, object]:
        """Return the telemetry figures as they stand."""
        now_s = self.clock.monotonic()
        return {
            **self._ports.vitals(),
            "fps": round(self._rate.per_second(now_s), 2),
            "latency_ms": self._latency_ms,
            "ring_frames": len(self.ring),
            "ring_mib": round(self.ring.size_bytes / (1 << 20), 2),
            "ring_seconds": round(self.ring.seconds, 1),
            "commands_waiting": self._dispatcher.waiting,
        }

    def url_of(self, picture_id: str) -> str | None:
        """Return a link to a saved picture; see `commands.Context`."""
        return self._ports.url_of(picture_id)

    def leave(self, code: int) -> None:
        """Ask for a clean stop; see `commands.Context`."""
        self._ports.stop(code)

    # ------------------------------------------------------------ the door

    def step(self, message: Input | Frame | None) -> list[Event]:
        """Take in one message, or only the time that has passed, and return what follows from it."""
        now_s = self.clock.monotonic()
        try:
            if isinstance(message, Frame):
                self._on_frame(message, now_s)
            elif message is not None:
                if isinstance(message, InputEvent):
                    self.emit(message)
                self._on_arrival(message, now_s)
        finally:
            self._on_time(now_s)
        facts, self._facts = self._facts, []
        return facts

    def close(self) -> list[Event]:
        """Answer what still waits, and return the last facts."""
        self._dispatcher.close()
        facts, self._facts = self._facts, []
        return facts

    def _on_frame(self, frame: Frame, now_s: float) -> None:
        if self.curtain.hides(frame):
            return
        if frame.captured_mono_s <= self._lost_s:  # it waited behind the news that the camera is away
            self._facts.extend(self._pipeline.remember(frame))
            return
        self._silence.heard(now_s)
        self._trial.frame(frame.exposed_mono_s, now_s)
        self._rate.count(now_s)
        if not self._online:
            self._online = True
            self.night.restarted(now_s)
            self._faults.note("camera", "ok", "")
            self.emit(CameraChanged(online=True, reason="frames arrive", at=self.clock.utcnow()))
        self._facts.extend(self._pipeline.process(frame))
        self._dispatcher.offer(frame)
        self._latency_ms = round((self.clock.monotonic() - frame.captured_mono_s) * 1000, 1)

    def _on_arrival(self, message: Input, now_s: float) -> None:
        match message:
            case CommandArrived():
                self._dispatcher.receive(message)
            case WorkEnded():
                self._dispatcher.end(message)
            case WorkAdvanced():
                self._dispatcher.advance(message)
            case CameraOpened(size=(width, height)):
                self._room.opened(width, height)
                self._bound_ring()
            case CameraFailed(reason=reason):
                self._camera_lost(reason, now_s)
            case SwitchFailed(mode=mode, reason=reason):
                self.night.refused(now_s, mode)
                self.emit(FaultReported("camera_down", f"the camera did not switch to {mode}: {reason}"))
                self._roll_back(self._trial.refused(self._config, mode, f"the camera refuses {mode}: {reason}"))
            case PictureBlank(reason=reason):
                self._faults.note("picture", "camera_down" if reason else "ok", reason)
            case StorageChanged(code=code):
                self._faults.note("storage", code, message.message)
            case BrokerRefused(reason=reason):
                self.emit(FaultReported("forbidden", reason))

    def _on_time(self, now_s: float) -> None:
        wanted = self.night.decide(now_s)
        if wanted is not None:
            self.emit(ModeWanted(wanted))
        if self._silence.is_overdue(now_s, self._config, self.night.mode, self.night.wanted) and self._online:
            self._camera_lost("no frames", now_s)
        self._roll_back(self._trial.overdue(self._config, now_s))
        self._dispatcher.tick(now_s)
        self.privacy.tick(self._ports.submit)
        self._facts.extend(self._faults.due(now_s))
        if now_s - self._telemetry_s >= self._config.telemetry.interval_s:
            self._telemetry_s = now_s
            self.emit(TelemetryTaken(self.figures()))
        self._auto_save(now_s)

    # ------------------------------------------------------------ what follows

    def _camera_lost(self, reason: str, now_s: float) -> None:
        self._faults.note("camera", "camera_down", reason)
        self._camera_gone(reason, now_s, CameraDown(f"ERROR: the camera is away: {reason}"))

    def _camera_gone(self, reason: str, now_s: float, refusal: NodeError) -> None:
        self._lost_s = now_s
        if self._online:
            self._online = False
            self._pipeline.camera_lost()
            self.emit(CameraChanged(online=False, reason=reason, at=self.clock.utcnow()))
        self._dispatcher.fail_frames(refusal)

    def _roll_back(self, verdict: Rollback | None) -> None:
        if verdict is not None:
            what = {key: settings.value_of(verdict.config, key) for key in verdict.keys}
            self._put_in_force(verdict.config)
            self.emit(SettingsRolledBack(what, verdict.reason, self.clock.utcnow()))
            self.emit(FaultReported("camera_down", f"rolled back: {', '.join(what)}: {verdict.reason}"))

    def _forget(self) -> None:
        """Keep nothing of what the camera saw; nobody waits for it to see more."""
        self.ring.clear()
        self._trial.drop()
        self._camera_gone("privacy", self.clock.monotonic(), PrivacyOn("ERROR: privacy was switched on"))
        self._dispatcher.forget_pictures()
        self.emit(RingMeasured(0.0))

    def _put_in_force(self, new: Config) -> None:
        old, self._config = self._config, new
        self.night.configure(new.night)
        self._pipeline.configure(new)
        for key, (_, value) in settings.differences(old, new).items():
            self.emit(SettingChanged(key, value))
        self._bound_ring()

    def _bound_ring(self) -> None:
        self.ring.limit(self._room.limits(self._config))
        self._warn_of_shrunk_ring()

    def _warn_of_shrunk_ring(self) -> None:
        if shortage := self._room.shortage(self._config):
            _log.warning("%s", shortage)

    def _auto_save(self, now_s: float) -> None:
        is_settled = self._online and self.night.explain(now_s).settling_left_s == 0
        verb = self._saving.verb(self._config.export, now_s, is_settled=is_settled)
        if verb:
            self._dispatcher.receive(CommandArrived(verb, b"", now_s, origin="self"))
