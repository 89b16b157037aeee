"""Bodies of the info topic and of Home Assistant's discovery."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from pi_cam_node import __version__
from pi_cam_node.config import Config, settings
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.core import Core
from pi_cam_node.core.entities import entities
from pi_cam_node.core.entities.controls import slug
from pi_cam_node.core.events import Event
from pi_cam_node.core.inputs import CameraOpened
from pi_cam_node.mqtt.homeassistant.discovery import discovery
from pi_cam_node.mqtt.topics import Topics
from pi_cam_node.system import identity

API_VERSION = 1
CAPABILITIES = ("night", "discovery", "privacy", "ticket")


class NodeInfo:
    """Makes the bodies of the info topic and of Home Assistant's discovery. Used by the node thread.

    Args:
        core: Knows the settings in force.
        boot_id: Names this run of the node.
        topics: The node's topics.
        started: Returns how the node started, for the info.
        web_url: Returns where others reach the live view; ``None``: they do not.
        web_address: Returns ``url`` and ``tls_sha256`` of the HTTP server, each empty where there is none.
    """

    def __init__(  # noqa: PLR0917 - the composition root builds it
        self,
        core: Core,
        boot_id: str,
        topics: Topics,
        started: Callable[[], Mapping[str, object]],
        web_url: Callable[[], str | None],
        web_address: Callable[[], Mapping[str, object]],
    ) -> None:
        self._core, self._boot_id, self._topics = core, boot_id, topics
        self._started, self._web_url, self._web_address = started, web_url, web_address
        self._opened: CameraOpened | None = None

    def on_event(self, event: Event) -> None:
        """Note what the camera granted; see `pi_cam_node.core.events.Listener`."""
        if isinstance(event, CameraOpened):
            self._opened = event

    def info(self, session: int) -> dict[str, object]:
        """Return the body of the info topic for a session with the broker; it holds no secret."""
        config, opened, commands = self._core.config, self._opened, registry()
        digest = hashlib.sha256(json.dumps(settings.tree_of(config), sort_keys=True).encode()).hexdigest()
        return {
            "name": config.node.name or config.node.id,
            "version": __version__,
            "api": API_VERSION,
            "boot": self._boot_id,
            "session": session,
            **self._started(),
            **self._web_address(),
            "source": opened.source if opened else None,
            "resolution": list(opened.size) if opened else None,
            "exposure_control": opened.controls if opened else None,
            "capabilities": [*(slug(command.verb) for command in commands.values() if command.shows), *CAPABILITIES],
            "commands": list(commands),
            "config_hash": digest[:16],
            "model": identity.model(),
        }

    def discovery(self, config: Config) -> dict[str, object]:
        """Return Home Assistant's discovery message."""
        board = {"model": identity.model(), "configuration_url": self._web_url() or ""}
        return discovery(entities(config, registry().values()), self._topics, config, __version__, board)
