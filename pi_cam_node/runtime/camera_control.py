"""Listener that applies changed modes and settings to the camera."""

from __future__ import annotations

from pi_cam_node.base import malloc
from pi_cam_node.camera.camera import Camera
from pi_cam_node.camera.source import controls_of
from pi_cam_node.core.core import Core
from pi_cam_node.core.events import Event, ModeWanted, SettingChanged
from pi_cam_node.core.inputs import CameraOpened


class CameraControl:
    """Applies the core's wanted mode and settings to the camera. Used by the node thread.

    Args:
        core: Source of current settings and wanted mode.
        camera: The camera to configure.
    """

    def __init__(self, core: Core, camera: Camera) -> None:
        self._core, self._camera = core, camera
        self._has_been_open = False

    def on_event(self, event: Event) -> None:
        """See `pi_cam_node.core.events.Listener`."""
        match event:
            case ModeWanted(mode=mode):
                self._camera.set_controls(controls_of(self._core.config, mode))
            case SettingChanged(key=key) if key.startswith(("camera.", "night.")):
                # The camera ignores unchanged values.
                self._camera.set_controls(controls_of(self._core.config, self._core.night.wanted))
                self._camera.reconfigure(self._core.config)
            case SettingChanged(key=key) if key.startswith(("motion.", "overlay.", "ring.", "recording.sound")):
                self._camera.reconfigure(self._core.config)
            case CameraOpened() if not self._has_been_open:
                self._has_been_open = True
                malloc.release_startup_memory()  # the camera is the last part to start
