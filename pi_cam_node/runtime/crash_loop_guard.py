"""Follows how this life of the node goes, so that the next start knows, and brings the camera back in safe mode."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy
from pi_cam_node.base.jobs import Submit
from pi_cam_node.config import Config
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.events import CameraChanged, Event, FaultReported, SettingChanged
from pi_cam_node.runtime.start_counter import PROVEN_S, SAFE_START
from pi_cam_node.runtime.startup import Start

_log = logging.getLogger(__name__)

# In safe mode the camera is tried again after this long, the longer the more starts came to nothing.
PROBES_S = (60.0, 300.0, 900.0, 1800.0, 3600.0)
RETRY_S = 5.0


class CrashLoopGuard:
    """What this life is worth. Used by the node thread; what it writes is written by the worker.

    Args:
        loaded: What the node started with.
        start: How it started.
        clock: Tells the time.
        submit: Puts work on the worker thread; raises Busy.
    """

    def __init__(self, loaded: LoadedConfig, start: Start, clock: Clock, submit: Submit) -> None:
        self._loaded, self._start, self._clock, self._submit = loaded, start, clock, submit
        self._steady_s = self._began_s = clock.monotonic()
        self._retry_s = float("-inf")
        self._online, self._private = False, loaded.config.privacy.enable
        self._named = self._private  # then no frames are to come
        self._noted_frames = self._lived = self._kept = False
        self.leaves_camera = start.is_safe

    def announce(self, emit: Callable[[Event], None]) -> None:
        """Say what is unusual about the start."""
        if self._start.why:
            said = "; ".join(self._start.why)
            _log.error("%s", said)
            emit(FaultReported("camera_down", said))

    def facts(self) -> Mapping[str, object]:
        """Return what the info tells of the start."""
        return {
            "start": self._start.number,
            "safe_mode": self.leaves_camera,
            "settings_from": "last good" if self._start.has_last_good else "file",
            "trouble": "; ".join(self._start.why) or None,
        }

    def on_event(self, event: Event) -> None:
        """Note what makes a run stable or not."""
        if isinstance(event, CameraChanged):
            self._online = event.online
        if isinstance(event, CameraChanged | SettingChanged):
            self._steady_s, self._kept = self._clock.monotonic(), False
        if isinstance(event, FaultReported) and event.code == "camera_down":
            self._named = True
        if isinstance(event, SettingChanged) and event.key == PRIVACY_KEY and event.value:
            self._named = self._private = True

    def tick(self, config: Config) -> None:
        """Have written what is due."""
        now_s = self._clock.monotonic()
        if now_s < self._retry_s:
            return
        try:
            if (self._online or (self._private and not self.leaves_camera)) and not self._noted_frames:
                self._submit(lambda _progress: self._start.file.frames_came())
                self._noted_frames = True
            if not self._lived and self._is_worth_living(now_s):
                self._submit(lambda _progress: self._start.file.proved())
                self._lived = True
            if self._online and not self._kept and now_s - self._steady_s >= PROVEN_S:
                self._keep(config)
                self._kept = True
        except Busy as error:
            self._retry_s = now_s + RETRY_S
            _log.info("how this start went is not noted yet: %s", error)

    def wants_camera(self) -> bool:
        """Return whether the camera, left alone so far, shall be tried now."""
        pause_s = PROBES_S[min(max(0, self._start.number - SAFE_START), len(PROBES_S) - 1)]
        if not self.leaves_camera or self._clock.monotonic() - self._began_s < pause_s:
            return False
        self.leaves_camera = False
        self._began_s = self._clock.monotonic()
        _log.warning("safe mode ends: the camera is tried again")
        return True

    def give_up(self, why: str) -> None:
        """Note that the node gives this life up. Thread: any."""
        self._start.file.failed(why)

    def end_in_order(self) -> None:
        """Note that this life ended as somebody wished."""
        self._start.file.proved()

    def _is_worth_living(self, now_s: float) -> bool:
        """Whether it has lasted with frames, or without a camera and knowing it; left alone, it has not been tried."""
        if self.leaves_camera:
            return False
        steady_s = self._steady_s if self._online else self._began_s
        return (self._online or self._named) and now_s - max(steady_s, self._began_s) >= PROVEN_S

    def _keep(self, config: Config) -> None:
        content, path = self._loaded.content, self._loaded.path
        if content is not None and path is not None:
            self._submit(lambda _progress: self._start.good.save(content, path, config))
