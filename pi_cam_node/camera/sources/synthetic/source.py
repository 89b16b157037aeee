"""Synthetic camera: for demos, tests and machines without a camera.

It applies controls as a sensor does. By day: automatic exposure up to the frame interval and gain 8, so that pictures
become dark only with very little light, with exposure compensation. By night: the fixed exposure and gain. Focus and
white balance are not supported.
"""

from __future__ import annotations

import threading
import time

import numpy as np

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot
from pi_cam_node.camera.sources.pacing import Metronome
from pi_cam_node.camera.sources.synthetic.scene import MEAN_PER_LUX_S, Scene
from pi_cam_node.camera.sources.synthetic.script import Script, parse
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.jpeg import Pixels, planes

AE_MEAN = 0.18
"""Target of the automatic exposure as a linear mean: middle grey."""
AE_MAX_GAIN = 8.0
SETTINGS = ("camera.width", "camera.height", "camera.exposure_compensation", "night.exposure_us", "night.gain")
_SHORTEST_US = 100
_NEUTRAL = 128


class SyntheticSource:
    """The synthetic camera; see `Script` for its parameters."""

    def __init__(self, query: str = "") -> None:
        """Parse the script.

        Args:
            query: ``name=value&…``, see `Script`.

        Raises:
            ConfigError: The script is invalid.
        """
        self._script: Script = parse(query)
        self._never = threading.Event()
        self._metronome = Metronome()
        self._number = 0
        self._start_mono_s = 0.0
        self._scene: Scene | None = None
        self._controls: Controls | None = None
        self._still: Pixels | None = None

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Start the scene, in any size."""
        zero = self._script.start_mono_s
        self._start_mono_s = time.monotonic() if zero < 0 else zero
        self._act_loss()
        self._scene = Scene(camera.width, camera.height)
        self._controls = controls
        self._metronome.restart()
        return Opened("synthetic", self._scene.size, "i420", controls=True, settings=SETTINGS, tells_light=True)

    def read(self) -> Shot:
        """Return the next picture, one frame interval or exposure after the last."""
        if self._scene is None or self._controls is None:
            raise SourceError("the synthetic camera is not open")
        controls = self._controls
        self._act_loss()
        moment = self._metronome.wait(controls.interval_s)
        second = moment - self._start_mono_s
        lux = self._script.lux_at(second)
        exposure_us, gain = exposure_of(controls, lux)
        pixels = self._seen(self._scene, second, lux * exposure_us / 1e6, gain)
        sensor = Sensor(exposure_us, round(gain, 3), round(lux, 4))
        return Shot(pixels, moment - exposure_us / 1e6, moment, controls.mode, sensor)

    def apply(self, controls: Controls) -> None:
        """Apply controls from the next picture on."""
        if controls.mode == self._script.refuse:
            raise SourceError(f"the synthetic camera refuses the mode {controls.mode}, as its script says")
        self._controls = controls

    def close(self) -> None:
        """Release the scene."""
        self._scene = self._still = None

    def _seen(self, scene: Scene, second: float, lux_s: float, gain: float) -> Pixels:
        """Return the scene at this time, or a picture of the scripted fault."""
        acts = self._script.loss if self._script.loss_left_s(second) else ""
        if acts == "blank":
            pixels = np.full((scene.size[1] * 3 // 2, scene.size[0]), _NEUTRAL, np.uint8)
            planes(pixels)[0][:] = 0
            return pixels
        if acts == "freeze":
            # Identical in every process, so that it stays frozen when this process is replaced.
            if self._still is None:
                self._still = Scene(*scene.size, seed=0).render(0, 0.0, AE_MEAN / MEAN_PER_LUX_S, 1.0)
            return self._still
        self._number += 1
        return scene.render(self._number, second, lux_s, gain, ball=self._script.moves_at(second))

    def _act_loss(self) -> None:
        """Fail or hang during a scripted fault."""
        if self._script.loss not in ("error", "hang"):
            return
        while left_s := self._script.loss_left_s(time.monotonic() - self._start_mono_s):
            if self._script.loss == "error":
                raise SourceError(f"the synthetic camera is offline for {self._script.loss_s:g} s, as its script says")
            self._never.wait(left_s)


def exposure_of(controls: Controls, lux: float) -> tuple[int, float]:
    """Return exposure time in microseconds and gain."""
    if controls.mode == "night":
        return controls.exposure_us, controls.gain
    longest_us = 1e6 / controls.framerate
    wanted_us = AE_MEAN / (MEAN_PER_LUX_S * lux) * 1e6 * 2**controls.adjustments.exposure_compensation_ev
    exposure_us = min(max(wanted_us, _SHORTEST_US), longest_us)
    return int(exposure_us), min(max(wanted_us / exposure_us, 1.0), AE_MAX_GAIN)
