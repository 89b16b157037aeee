"""Rollback of the camera's settings: a change is on trial until frames taken with it arrive, and is undone if none do.

A value within its range may still stop this camera: a size that its driver cannot stream, an exposure that it refuses.
A change that affects a delivering camera begins a trial. A frame exposed well after the change confirms it. It fails if
no frame arrives for `PATIENCE_S`, or for the longest time that old and new settings allow, or if the camera refuses the
switch: then every setting changed since the last frame is restored. A change during a trial joins it and restarts its
time, up to twice the patience without any frame.

Changes while the camera is offline begin no trial.
"""

from __future__ import annotations

from typing import Any

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.config import Config
from pi_cam_node.core.rules.camera_timeout import changeover_s, frame_deadline_s, interval_s
from pi_cam_node.imaging.frame import Mode

ON_TRIAL = (
    "camera.width",
    "camera.height",
    "camera.framerate",
    "camera.rotation",
    "camera.hflip",
    "camera.vflip",
    "camera.autofocus",
    "camera.lens_position",
    "camera.awb",
    "camera.exposure_compensation",
    "night.enable",
    "night.override",
    "night.exposure_us",
    "night.gain",
)
"""Live settings that affect the camera."""

PATIENCE_S = 15.0
# Frames exposed within this time after a change may still have the old settings.
UNDER_WAY_S, UNDER_WAY_FRAMES = 1.0, 4


@frozen
class Rollback:
    """Old values to restore, because no frames arrived with the new ones.

    Attributes:
        config: The settings to restore.
        keys: Restored keys.
        reason: Message.
    """

    config: Config
    keys: tuple[str, ...]
    reason: str


class SettingsTrial:
    """Trial of changed settings, at most one at a time. No I/O; used by the node thread.

    Attributes:
        due_s: When the trial fails, monotonic seconds; never without a trial.
    """

    def __init__(self) -> None:
        self._before: dict[str, Any] = {}
        self._patience_s = self._proof_mono_s = 0.0
        self._changed_s = self._heard_s = 0.0
        self._paused = False
        self.due_s = NEVER_S

    @property
    def proof_mono_s(self) -> float | None:
        """A frame exposed at or after this monotonic time confirms the settings; ``None`` without a trial."""
        return self._proof_mono_s if self._before else None

    @property
    def patience_s(self) -> float:
        """Time allowed from the change to the first frame, in seconds."""
        return self._patience_s

    def begin(self, old: Config, new: Config, modes: tuple[Mode, Mode], now_s: float, *, delivers: bool) -> None:
        """Begin a trial of a change that affects the camera, or add it to the running one.

        Args:
            old: The settings before the change.
            new: The settings after it.
            modes: Mode of the frames, and the mode requested last.
            now_s: Monotonic time.
            delivers: Whether the camera delivers frames.
        """
        changed = {key: _value(old, key) for key in ON_TRIAL if _value(old, key) != _value(new, key)}
        if not changed or not (delivers or self._before):
            return
        if not self._before:
            self._heard_s, self._patience_s = now_s, 0.0
        for key, value in changed.items():
            self._before.setdefault(key, value)
        self._changed_s = now_s
        mode, wanted = modes[0], _wanted(new, modes[1])
        slowest_s = max(frame_deadline_s(config, each) for config in (old, new) for each in (mode, wanted))
        self._patience_s = max(self._patience_s, PATIENCE_S, slowest_s + changeover_s(new, mode, wanted))
        self._proof_mono_s = now_s + UNDER_WAY_S + UNDER_WAY_FRAMES * interval_s(old, mode)
        self._update_due()

    def frame(self, exposed_mono_s: float, now_s: float) -> None:
        """Process a good frame."""
        if not self._before:
            return
        self._heard_s = now_s
        if exposed_mono_s >= self._proof_mono_s:
            self._before = {}
        self._update_due()

    def overdue(self, config: Config, now_s: float) -> Rollback | None:
        """Return the rollback if no frame arrived in time with the current settings."""
        return self._end(config, f"no frame came for {now_s - self._heard_s:.0f} s") if now_s >= self.due_s else None

    def refused(self, config: Config, mode: Mode, reason: str) -> Rollback | None:
        """Return the rollback if settings on trial demand a mode that the camera refuses."""
        return self._end(config, reason) if self._before and mode == _wanted(config, mode) else None

    def pause(self) -> None:
        """Pause the trial: frames are missing for another reason than the settings."""
        self._paused = True
        self._update_due()

    def resume(self, now_s: float) -> None:
        """Resume the trial with its full time: frames are expected again."""
        self._paused = False
        self._heard_s = self._changed_s = now_s
        self._proof_mono_s = now_s
        self._update_due()

    def _update_due(self) -> None:
        patience_s = self._patience_s
        late_s = min(max(self._heard_s, self._changed_s) + patience_s, self._heard_s + 2 * patience_s)
        self.due_s = late_s if self._before and not self._paused else NEVER_S

    def _end(self, config: Config, reason: str) -> Rollback:
        before, self._before = self._before, {}
        self._update_due()
        tree = config.model_dump()
        for key, value in before.items():
            section, _, name = key.partition(".")
            tree[section][name] = value
        return Rollback(Config.model_validate(tree), tuple(before), reason)


def _value(config: Config, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


def _wanted(config: Config, asked: Mode) -> Mode:
    """Return the mode that the settings demand, or the one requested last."""
    if config.night.override != "auto":
        return config.night.override
    return asked if config.night.enable else "day"
