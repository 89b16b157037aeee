"""What the node says of itself on ``B/info``; never a secret."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pi_cam_node import __version__
from pi_cam_node.config import Config, settings
from pi_cam_node.core.commands.registry import Command
from pi_cam_node.core.entities.controls import slug
from pi_cam_node.core.inputs import CameraOpened
from pi_cam_node.system import identity

API_VERSION = 1
CAPABILITIES = ("night", "discovery", "privacy")


def info_body(
    config: Config, opened: CameraOpened | None, commands: Mapping[str, Command], start: Mapping[str, object]
) -> dict[str, object]:
    """Return the body of the info topic, but for boot and session.

    Args:
        config: The settings in force.
        opened: What the camera granted; ``None`` before it did.
        commands: Every command by its verb; those that show pictures are capabilities.
        start: How the node started.
    """
    digest = hashlib.sha256(json.dumps(settings.tree_of(config), sort_keys=True).encode()).hexdigest()
    return {
        "name": config.node.name or config.node.id,
        "version": __version__,
        "api": API_VERSION,
        **start,
        "source": opened.source if opened else None,
        "resolution": list(opened.size) if opened else None,
        "exposure_control": opened.controls if opened else None,
        "capabilities": [*(slug(command.verb) for command in commands.values() if command.shows), *CAPABILITIES],
        "commands": list(commands),
        "config_hash": digest[:16],
        "model": identity.model(),
    }
