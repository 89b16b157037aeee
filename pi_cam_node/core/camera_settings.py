"""Settings that only some cameras support: refused, warned of and not offered for other cameras.

The supported ones are known once the camera is open (`CameraOpened`). Films and network cameras support none, which is
known from their address.
"""

from __future__ import annotations

import logging
import re

from pi_cam_node.base.errors import OutOfRange
from pi_cam_node.config import Config, settings
from pi_cam_node.core.inputs import CameraOpened

_log = logging.getLogger(__name__)

# Settings that are refused if unsupported, with the text of the refusal.
OPTIONAL = {
    "camera.autofocus": "no lens that focuses by itself",
    "camera.lens_position": "no lens that focuses",
    "camera.awb": "no white balance that can be set",
    "camera.exposure_compensation": "no exposure compensation",
}
# Settings that are only hidden if unsupported; they do no harm in a file for several cameras.
CONDITIONAL = (*OPTIONAL, "camera.width", "camera.height", "night.exposure_us", "night.gain")
# State of cameras that report exposure and gain of their frames.
LIGHT = "lux"

_FIXED_SOURCE = re.compile(r"file:|(rtsps?|https?)://", re.IGNORECASE)


def unserved(opened: CameraOpened | None) -> frozenset[str]:
    """Return the settings and states that the open camera does not support; all of them before it is open."""
    if opened is None:
        return frozenset((*CONDITIONAL, LIGHT))
    served = {*opened.settings, *([LIGHT] if opened.tells_light else [])}
    return frozenset({*CONDITIONAL, LIGHT} - served)


def undecided(source: str, opened: CameraOpened | None) -> frozenset[str]:
    """Return the settings and states whose support is known only once the camera is open.

    Args:
        source: `camera.source`.
        opened: The open camera; ``None`` before.
    """
    known_before = opened is not None or _FIXED_SOURCE.match(source)
    return frozenset() if known_before else frozenset((*CONDITIONAL, LIGHT))


class CameraSettings:
    """Settings supported by the camera opened last. No I/O; used by the node thread."""

    def __init__(self) -> None:
        self._opened: CameraOpened | None = None

    def opened(self, event: CameraOpened, config: Config) -> None:
        """Record an opened camera, and warn of each setting that it does not support."""
        self._opened = event
        for key in self._missing(config):
            _log.warning("%s has no effect: %s has %s", key, event.source, OPTIONAL[key])

    @property
    def resolution(self) -> str | None:
        """Size of the pictures as the camera delivers them, as ``1024 x 768``; ``None`` before it is open."""
        return None if self._opened is None else "{} x {}".format(*self._opened.size)

    def check(self, old: Config, new: Config, key: str) -> None:
        """Refuse a change of a setting that the open camera does not support.

        Raises:
            OutOfRange: It is not supported, and the value is not the default.
        """
        if self._opened is not None and key in self._missing(new) and old != new:
            raise OutOfRange(f"ERROR: {key}: {self._opened.source} has {OPTIONAL[key]}", data={"key": key})

    def _missing(self, config: Config) -> list[str]:
        """Return the unsupported settings that are not at their default."""
        served = self._opened.settings if self._opened is not None else ()
        return [
            key
            for key in OPTIONAL
            if key not in served and settings.value_of(config, key) != settings.describe(key).default
        ]
