"""Home Assistant's discovery message: one retained message for the whole device.

Home Assistant refuses the whole message for one key that it does not know at the root, in
``device`` or in ``origin``; inside a component it drops such a key without a word. So whatever newer
than 2024.11 is used stands inside components. A root ``qos`` reaches the components only since 2026.6.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_args

from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.config import Config, NodeConfig
from pi_cam_node.core.entities import Entity, Platform
from pi_cam_node.mqtt.homeassistant.components import component
from pi_cam_node.mqtt.messages.topics import Topics

ORIGIN = "pi_cam_node"


def uid(node_id: str) -> str:
    """Return the identifier of the device in Home Assistant."""
    return f"{ORIGIN}_{node_id}"


def device_name(node: NodeConfig) -> str:
    """Return the name of the device: never only its place, which Home Assistant puts before it by itself."""
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
    """Return a discovery message that is no larger than this, with fewer components where it has to be.

    Those go first that people have to enable themselves, then the last ones of the list.

    Args:
        message: As `discovery` returns it.
        most_bytes: Bytes of JSON; where not even one component fits, all of them go.
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

    Home Assistant keeps a component that is merely left out. To be published before ``current``.

    Args:
        previous: The retained message of an earlier run of the node, as it came.
        current: Discovery message that will be published next.
        undecided: Components that may come yet: Home Assistant keeps them, with all that people set of them.

    Returns:
        ``current`` with the removed components emptied to their platform; ``None`` where none is removed.
    """
    components: Mapping[str, Any] = current["components"]
    gone = {
        key: {"platform": platform}
        for key, platform in _platforms(previous).items()
        if (key not in components or components[key]["platform"] != platform) and key not in undecided
    }
    return {**current, "components": {**components, **gone}} if gone else None


def _platforms(message: bytes) -> dict[str, str]:
    """Return the components of a discovery message with their platforms; nothing where it is none."""
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    found = found if isinstance(found, dict) else {}
    components = found.get("components", found.get("cmps"))
    pairs = components.items() if isinstance(components, dict) else ()
    platforms = {key: part.get("platform", part.get("p")) for key, part in pairs if isinstance(part, dict)}
    # One that Home Assistant does not know would cost the whole message.
    return {
        key: platform
        for key, platform in platforms.items()
        if isinstance(platform, str) and platform in get_args(Platform)
    }
