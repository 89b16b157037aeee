"""Implements the ports of privacy and erase with camera, disk and broker."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pi_cam_node.base.errors import CameraDown
from pi_cam_node.camera.camera import Camera
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.mqtt.messages.privacy_filter import PrivacyFilter
from pi_cam_node.recording.films import Films
from pi_cam_node.runtime.erase import erase_all
from pi_cam_node.runtime.startup import Start
from pi_cam_node.storage.events.database import EventDatabase
from pi_cam_node.storage.privacy_marker import PrivacyMarker

# Half a second for the process to close the camera, two for the kernel to kill it, and a margin for a busy board.
RELEASE_S = 5.0

_log = logging.getLogger(__name__)


class PrivacyControl:
    """Implements `pi_cam_node.core.ports.PrivacyPort`.

    Args:
        loaded: The settings.
        start: State files of the node.
        camera: Camera to release.
        events: Database that `erase` removes.
        films: Recorder to stop.
        end_live: Ends live video permanently.

    Attributes:
        privacy_gate: Whether pictures may be shown.
        privacy_filter: Filter for publications to the broker.
    """

    def __init__(  # noqa: PLR0917 - the composition root builds it, from left to right
        self,
        loaded: LoadedConfig,
        start: Start,
        camera: Camera,
        events: EventDatabase,
        films: Films,
        end_live: Callable[[], None],
    ) -> None:
        self._config = loaded.config
        self._start = start
        self._camera, self._events, self._films, self._end_live = camera, events, films, end_live
        self._mark = PrivacyMarker(loaded.config.export.base_dir, start.private)
        self.privacy_gate = PrivacyGate(closed=loaded.config.privacy.enable)
        self.privacy_filter = PrivacyFilter(self.privacy_gate)

    def release_camera(self) -> None:
        """See `pi_cam_node.core.ports.PrivacyPort`."""
        self._camera.release()

    def acquire_camera(self) -> None:
        """See `pi_cam_node.core.ports.PrivacyPort`."""
        self._camera.acquire()

    def persist(self, closed: bool) -> None:
        """See `pi_cam_node.core.ports.PrivacyPort`."""
        try:
            self._mark.put(closed)
        finally:
            if closed:
                self._films.wait_idle(RELEASE_S)
                is_released = self._camera.wait_released(RELEASE_S)
                is_overwritten = self._films.wait_released(RELEASE_S)  # what encoders still read is overwritten then
                self._films.camera_packets.forget()  # packets may have arrived meanwhile
            if closed and not is_released:
                raise CameraDown(f"the camera's process did not end within {RELEASE_S:g} s; it hangs in its driver")
            if closed and not is_overwritten:
                raise CameraDown(
                    f"a process that encodes video did not end within {RELEASE_S:g} s, and holds a picture"
                )

    def erase(self) -> EraseReport:
        """See `pi_cam_node.core.ports.PrivacyPort`."""
        self._end_live()
        self._films.stop_now("stopped")
        self._films.wait_idle(RELEASE_S)
        self._films.camera_packets.forget()
        self.privacy_filter.stop_retaining()
        start = self._start
        others = (start.private, start.link_key, start.names, *self._events.forget())
        erased = erase_all(self._config, start.file, start.good, *others)
        _log.warning("%s", "; ".join((erased.text, *erased.trouble)))
        return erased
