"""Records for the next start whether this run counts as good, and ends safe mode after a while."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy, Code
from pi_cam_node.base.schedule import AT_ONCE_S, NEVER_S
from pi_cam_node.base.threads import Submit
from pi_cam_node.config import Config
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.events import CameraChanged, Event, FaultReported, SettingChanged
from pi_cam_node.core.rules.fault_state import Subject
from pi_cam_node.runtime.start_counter import PROVEN_S, SAFE_START
from pi_cam_node.runtime.startup import Start

_log = logging.getLogger(__name__)

# Delay before safe mode tries the camera again; grows with the number of failed starts.
PROBES_S = (60.0, 300.0, 900.0, 1800.0, 3600.0)
RETRY_S = 5.0


class CrashLoopGuard:
    """Tracks whether this run counts as good. Used by the node thread; the worker writes its files.

    Args:
        loaded: Settings of this run.
        start: Conditions of this start.
        clock: Tells the time.
        submit: Puts work on the worker thread; raises Busy.
        config: Returns the settings in force.
        start_camera: Called at the end of safe mode to start the camera.
        note_fault: Sets or clears a lasting fault; see `pi_cam_node.core.faults.Faults.note`.

    Attributes:
        leaves_camera: Whether safe mode is on: the camera is not used.
        due_s: When `on_time` has something to do.
    """

    def __init__(  # noqa: PLR0917 - the node builds it, from left to right
        self,
        loaded: LoadedConfig,
        start: Start,
        clock: Clock,
        submit: Submit,
        config: Callable[[], Config],
        start_camera: Callable[[], None],
        note_fault: Callable[[Subject, Code, str], None],
    ) -> None:
        self._loaded, self._start, self._clock, self._submit = loaded, start, clock, submit
        self._config, self._start_camera, self._note_fault = config, start_camera, note_fault
        self._steady_s = self._began_s = clock.monotonic()
        self._retry_s = float("-inf")
        self._online, self._private = False, loaded.config.privacy.enable
        self._named = self._private  # no frames are expected then
        self._noted_frames = self._is_proven = self._kept = False
        self.leaves_camera = start.is_safe
        self.due_s = AT_ONCE_S

    def announce(self) -> None:
        """Report an unusual start as a fault that lasts as long as safe mode or the last good settings."""
        if self._start.why:
            said = "; ".join(self._start.why)
            _log.error("%s", said)
            self._note_fault("start", "camera_down", said)

    def facts(self) -> Mapping[str, object]:
        """Return the fields of the info topic about the start."""
        return {
            "start": self._start.number,
            "safe_mode": self.leaves_camera,
            "settings_from": "last good" if self._start.has_last_good else "file",
            "trouble": "; ".join(self._start.why) or None,
        }

    def on_event(self, event: Event) -> None:
        """Track frames, privacy and failures."""
        if isinstance(event, CameraChanged):
            self._online = event.online
        if isinstance(event, CameraChanged | SettingChanged):
            self._steady_s, self._kept = self._clock.monotonic(), False
        if isinstance(event, FaultReported) and event.code == "camera_down":
            self._named = True
        if isinstance(event, SettingChanged) and event.key == PRIVACY_KEY and event.value:
            self._named = self._private = True
        if isinstance(event, CameraChanged | SettingChanged | FaultReported):
            self._update_due()

    def on_time(self, now_s: float) -> None:
        """Submit due writes, and end safe mode when due."""
        if self.leaves_camera and now_s >= self._probe_s:
            self.leaves_camera = False
            self._began_s = now_s
            _log.warning("safe mode ends: the camera is tried again")
            if not self._start.has_last_good:
                self._note_fault("start", "ok", "")
            self._start_camera()
        if now_s >= self._retry_s:
            self._write(now_s)
        self._update_due()

    def _write(self, now_s: float) -> None:
        try:
            if self._may_note_frames:
                self._submit(lambda _progress: self._start.file.frames_came())
                self._noted_frames = True
            if now_s >= self._proven_s:
                self._submit(lambda _progress: self._start.file.proved())
                self._is_proven = True
            if now_s >= self._keep_s:
                self._keep(self._config())
                self._kept = True
        except Busy as error:
            self._retry_s = now_s + RETRY_S
            _log.info("the record of this start is not written yet: %s", error)

    def give_up(self, why: str) -> None:
        """Record that this run failed. Thread: any."""
        self._start.file.failed(why)

    def end_in_order(self) -> None:
        """Record that this run was stopped on purpose."""
        self._start.file.proved()

    def _update_due(self) -> None:
        write_s = min(AT_ONCE_S if self._may_note_frames else NEVER_S, self._proven_s, self._keep_s)
        self.due_s = min(max(write_s, self._retry_s), self._probe_s if self.leaves_camera else NEVER_S)

    @property
    def _probe_s(self) -> float:
        """Monotonic time at which safe mode ends and the camera is tried."""
        return self._began_s + PROBES_S[min(max(0, self._start.number - SAFE_START), len(PROBES_S) - 1)]

    @property
    def _may_note_frames(self) -> bool:
        """Whether frames came, or none are expected, and this is not recorded yet."""
        return (self._online or (self._private and not self.leaves_camera)) and not self._noted_frames

    @property
    def _proven_s(self) -> float:
        """Monotonic time from which the run counts as good: with frames, or a known reason for none.

        Never in safe mode, which does not test the camera.
        """
        if self._is_proven or self.leaves_camera or not (self._online or self._named):
            return NEVER_S
        return PROVEN_S + (max(self._steady_s, self._began_s) if self._online else self._began_s)

    @property
    def _keep_s(self) -> float:
        """Monotonic time from which the settings count as good, after frames with them for long enough."""
        return self._steady_s + PROVEN_S if self._online and not self._kept else NEVER_S

    def _keep(self, config: Config) -> None:
        content, path = self._loaded.content, self._loaded.path
        if content is not None and path is not None:
            self._submit(lambda _progress: self._start.good.save(content, path, config))
