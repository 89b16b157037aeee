"""Bodies of the info topic and of Home Assistant's discovery."""

from __future__ import annotations

import hashlib
import json

from pi_cam_node import __version__
from pi_cam_node.config import Config, settings
from pi_cam_node.core.camera_settings import undecided, unserved
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.core import Core
from pi_cam_node.core.entities import entities
from pi_cam_node.core.entities.controls import slug
from pi_cam_node.core.events import Event
from pi_cam_node.core.inputs import CameraOpened
from pi_cam_node.mqtt.former_names import Rename
from pi_cam_node.mqtt.homeassistant.discovery import discovery
from pi_cam_node.runtime.crash_loop_guard import CrashLoopGuard
from pi_cam_node.runtime.parts import Parts
from pi_cam_node.system.metrics import absent_figures, board_model

API_VERSION = 1
CAPABILITIES = ("night", "discovery", "privacy", "ticket")


class NodeInfo:
    """Builds the bodies of the info topic and of Home Assistant's discovery. Used by the node thread.

    Args:
        core: Source of current settings and the HTTP address.
        parts: Topics and HTTP server.
        boot_id: Id of this run of the node.
        guard: Conditions of the start.
        rename: Source of former node ids.
    """

    def __init__(self, core: Core, parts: Parts, boot_id: str, guard: CrashLoopGuard, rename: Rename) -> None:
        self._core, self._parts, self._boot_id = core, parts, boot_id
        self._guard, self._rename = guard, rename
        self._opened: CameraOpened | None = None
        self._absent = absent_figures()

    def on_event(self, event: Event) -> None:
        """Record the settings of the opened camera; see `pi_cam_node.core.events.Listener`."""
        if isinstance(event, CameraOpened):
            self._opened = event

    def info(self, session: int) -> dict[str, object]:
        """Return the body of the info topic for a session with the broker, without secrets."""
        config, opened, commands = self._core.config, self._opened, registry()
        digest = hashlib.sha256(json.dumps(settings.tree_of(config), sort_keys=True).encode()).hexdigest()
        return {
            "name": config.node.name or config.node.id,
            "version": __version__,
            "api": API_VERSION,
            "boot": self._boot_id,
            "session": session,
            **self._guard.facts(),
            "formerly": self._rename.former_ids,
            **self._core.links.web_address(),
            "source": opened.source if opened else None,
            "resolution": list(opened.size) if opened else None,
            "exposure_control": opened.controls if opened else None,
            "capabilities": [*(slug(command.verb) for command in commands.values() if command.shows), *CAPABILITIES],
            "commands": list(commands),
            "config_hash": digest[:16],
            "model": board_model(),
        }

    def discovery(self, config: Config) -> dict[str, object]:
        """Return Home Assistant's discovery message."""
        board = {"model": board_model(), "configuration_url": self._parts.web.url or ""}
        offered = entities(config, registry().values(), unserved(self._opened) | self._absent)
        return discovery(offered, self._parts.topics, config, __version__, board)

    def undecided(self, config: Config) -> frozenset[str]:
        """Return the components of the discovery message that depend on a camera which is not open yet."""
        return frozenset(map(slug, undecided(config.camera.source, self._opened)))
