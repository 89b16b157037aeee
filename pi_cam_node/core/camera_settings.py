"""Settings that only some cameras follow: refused, warned of and not offered where the camera has no such thing.

Which ones a camera follows is known when it is open (`CameraOpened`). A film or a network camera follows none of them,
which its address tells before.
"""

from __future__ import annotations

import logging
import re

from pi_cam_node.base.errors import OutOfRange
from pi_cam_node.config import Config, settings
from pi_cam_node.core.inputs import CameraOpened

_log = logging.getLogger(__name__)

# What is refused where the camera has none, and how that is said.
OPTIONAL = {
    "camera.autofocus": "no lens that focuses by itself",
    "camera.lens_position": "no lens that focuses",
    "camera.awb": "no white balance that can be set",
    "camera.exposure_compensation": "no exposure compensation",
}
# Shown to people only where the camera follows them; in a file that is used with many cameras they do no harm.
CONDITIONAL = (*OPTIONAL, "camera.width", "camera.height", "night.exposure_us", "night.gain")
# State that only cameras have which tell exposure and gain of their frames.
LIGHT = "lux"

_FIXED_SOURCE = re.compile(r"file:|(rtsps?|https?)://", re.IGNORECASE)


def unserved(opened: CameraOpened | None) -> frozenset[str]:
    """Return the settings and states that mean nothing with the open camera; all of them before it is open."""
    if opened is None:
        return frozenset((*CONDITIONAL, LIGHT))
    served = {*opened.settings, *([LIGHT] if opened.tells_light else [])}
    return frozenset({*CONDITIONAL, LIGHT} - served)


def undecided(source: str, opened: CameraOpened | None) -> frozenset[str]:
    """Return the settings and states of which only the open camera will tell whether they mean anything.

    Args:
        source: `camera.source`.
        opened: The open camera; ``None`` before.
    """
    known_before = opened is not None or _FIXED_SOURCE.match(source)
    return frozenset() if known_before else frozenset((*CONDITIONAL, LIGHT))


class CameraSettings:
    """Settings that the camera opened last follows. Pure; used by the node thread."""

    def __init__(self) -> None:
        self._opened: CameraOpened | None = None

    def opened(self, event: CameraOpened, config: Config) -> None:
        """Note an opened camera, and warn of each setting that it does not follow."""
        self._opened = event
        for key in self._missing(config):
            _log.warning("%s has no effect: %s has %s", key, event.source, OPTIONAL[key])

    @property
    def resolution(self) -> str | None:
        """Size of the pictures as the camera delivers them, as ``1024 x 768``; ``None`` before it is open."""
        return None if self._opened is None else "{} x {}".format(*self._opened.size)

    def check(self, old: Config, new: Config, key: str) -> None:
        """Refuse to change a setting that the open camera does not follow.

        Raises:
            OutOfRange: The camera has no such thing, and the value is not the default.
        """
        if self._opened is not None and key in self._missing(new) and old != new:
            raise OutOfRange(f"ERROR: {key}: {self._opened.source} has {OPTIONAL[key]}", data={"key": key})

    def _missing(self, config: Config) -> list[str]:
        """Return the settings that are not at their default and that the open camera does not follow."""
        served = self._opened.settings if self._opened is not None else ()
        return [
            key
            for key in OPTIONAL
            if key not in served and settings.value_of(config, key) != settings.describe(key).default
        ]
