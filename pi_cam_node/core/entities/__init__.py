"""Entities that the node offers to a home automation system, independent of Home Assistant's format.

Controls are derived from settings and commands, the rest from one table. `pi_cam_node.mqtt.homeassistant.discovery`
converts them to Home Assistant's format.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pi_cam_node.config import Config
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.core.commands.registry import Command
from pi_cam_node.core.entities.controls import of_command, of_setting
from pi_cam_node.core.entities.entity import Entity, Origin, Platform
from pi_cam_node.core.entities.sensors import EVENT_TYPES, PICTURES, STATES, of_figure
from pi_cam_node.core.telemetry import FIGURES

__all__ = ["EVENT_TYPES", "Entity", "Origin", "Platform", "entities"]


def entities(config: Config, commands: Iterable[Command], unserved: Collection[str] = ()) -> list[Entity]:
    """Return the entities of this node: pictures and states, then settings, then diagnostic figures.

    Args:
        config: The current settings; disabled pictures are omitted.
        commands: Commands, of which those with a button become entities.
        unserved: Settings and states that the camera does not support; omitted.
    """
    off: set[Origin] = set()
    if config.homeassistant.camera_fps == 0:
        off.add("frame")
    if config.mqtt.image_max_bytes == 0:
        off.update(("picture", "event_picture"))
    pictures = [entity for entity in PICTURES if entity.origin not in off]
    buttons = [of_command(command, command.button) for command in commands if command.button]
    settings = [of_setting(info) for info in catalogue().values() if info.live and info.key not in unserved]
    figures = [of_figure(figure) for figure in FIGURES if figure.title and figure.key not in unserved]
    return [*pictures, *STATES, *buttons, *settings, *figures]
