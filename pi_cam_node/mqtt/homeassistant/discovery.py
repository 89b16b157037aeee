"""Home Assistant's discovery message: one retained message for the whole device.

Home Assistant refuses the whole message for an unknown key at the root, in ``device`` or in ``origin``; inside a
component it ignores it. So keys newer than 2024.11 are used inside components only. A root ``qos`` reaches the
components only since 2026.6.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_args

from pi_cam_node.base.strict_json import json_bytes, json_object
from pi_cam_node.config import Config, NodeConfig
from pi_cam_node.core.entities import Entity, Platform
from pi_cam_node.mqtt.homeassistant.components import component
from pi_cam_node.mqtt.messages.topics import Topics

ORIGIN = "pi_cam_node"


def uid(node_id: str) -> str:
    """Return the identifier of the device in Home Assistant."""
    return f"{ORIGIN}_{node_id}"


def device_name(node: NodeConfig) -> str:
    """Return the name of the device; not just its place, which Home Assistant prepends itself."""
    words = node.id.replace("_", " ").replace("-", " ").strip()
    return node.name or (words if "cam" in words else f"{words} camera").strip().capitalize()


def discovery(
    entities: Iterable[Entity], topics: Topics, config: Config, version: str, board: Mapping[str, str]
) -> dict[str, Any]:
    """Return the discovery message.

    Args:
        entities: Entities to announce.
        topics: The node's topics.
        config: The settings in force.
        version: The node's version.
        board: The known ones of ``model``, ``model_id``, ``serial_number``, ``hw_version`` and
            ``configuration_url``; other keys and empty values are left out.
    """
    name = uid(config.node.id)
    known = ("model", "model_id", "serial_number", "hw_version", "configuration_url")
    device = {
        "identifiers": [name],
        "name": device_name(config.node),
        "manufacturer": ORIGIN,
        "sw_version": version,
        **{key: board[key] for key in known if board.get(key)},
    }
    return {
        "device": device,
        "origin": {"name": ORIGIN, "sw_version": version},
        "availability": [{"topic": topics.availability}],
        "components": {entity.key: component(entity, name, topics, config) for entity in entities},
    }


def within(message: Mapping[str, Any], most_bytes: int) -> dict[str, Any]:
    """Return a discovery message within a size limit, omitting components if necessary.

    Components that are disabled by default are omitted first, then the last ones of the list.

    Args:
        message: As `discovery` returns it.
        most_bytes: Greatest size of the JSON; if no component fits, all are omitted.
    """
    rest = {**message, "components": {}}
    left_bytes = most_bytes - len(json_bytes(rest))
    components = sorted(message["components"].items(), key=lambda item: not item[1].get("enabled_by_default", True))
    chosen: set[str] = set()
    for key, component_keys in components:
        left_bytes -= len(json_bytes({key: component_keys}))
        if left_bytes < 0:
            break
        chosen.add(key)
    return {**rest, "components": {key: keys for key, keys in message["components"].items() if key in chosen}}


def removal_message(
    previous: bytes, current: Mapping[str, Any], undecided: Collection[str] = ()
) -> dict[str, Any] | None:
    """Return the message that removes the components that an earlier one announced and ``current`` does not.

    Home Assistant keeps components that are merely omitted. To be published before ``current``.

    Args:
        previous: The retained message of an earlier run, as received.
        current: Discovery message that will be published next.
        undecided: Components that may still be added, which are not removed, so that users' settings of them are kept.

    Returns:
        ``current`` with removed components reduced to their platform; ``None`` if none is removed.
    """
    components: Mapping[str, Any] = current["components"]
    gone = {
        key: {"platform": platform}
        for key, platform in _platforms(previous).items()
        if (key not in components or components[key]["platform"] != platform) and key not in undecided
    }
    return {**current, "components": {**components, **gone}} if gone else None


def _platforms(message: bytes) -> dict[str, str]:
    """Return the components of a discovery message with their platforms; empty if it is invalid."""
    found = json_object(message)
    components = found.get("components", found.get("cmps"))
    pairs = components.items() if isinstance(components, dict) else ()
    platforms = {key: part.get("platform", part.get("p")) for key, part in pairs if isinstance(part, dict)}
    # One that Home Assistant does not know would cost the whole message.
    return {
        key: platform
        for key, platform in platforms.items()
        if isinstance(platform, str) and platform in get_args(Platform)
    }
