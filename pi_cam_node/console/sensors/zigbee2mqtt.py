"""Parses zigbee2mqtt's device list into descriptions of sensors, for brokers without discovery messages. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pi_cam_node.base.strict_json import read_json
from pi_cam_node.console.names import as_name
from pi_cam_node.console.sensors.sensor import VALUE_MAX, SensorSpec, is_topic, slug
from pi_cam_node.console.sensors.templates import Template, normal

BASE = "zigbee2mqtt"
# Names of zigbee2mqtt's features, with Home Assistant's device class.
CLASSES = {
    "contact": "door",
    "occupancy": "motion",
    "presence": "occupancy",
    "smoke": "smoke",
    "water_leak": "moisture",
    "vibration": "vibration",
    "gas": "gas",
    "carbon_monoxide": "carbon_monoxide",
}
DEVICES_MAX = 500


def specs_of(payload: bytes) -> list[SensorSpec]:
    """Return the sensors in ``zigbee2mqtt/bridge/devices``."""
    try:
        devices = read_json(payload)
    except ValueError:
        return []
    told = devices[:DEVICES_MAX] if isinstance(devices, list) else []
    return [spec for device in told if isinstance(device, dict) for spec in _of_device(device)]


def _of_device(device: dict[str, Any]) -> Iterator[SensorSpec]:
    name, definition = str(device.get("friendly_name") or ""), device.get("definition")
    exposes = definition.get("exposes") if isinstance(definition, dict) else None
    is_named = bool(name) and is_topic(f"{BASE}/{name}/availability")
    for feature in exposes if isinstance(exposes, list) and is_named else ():
        if not isinstance(feature, dict) or feature.get("type") != "binary" or feature.get("name") not in CLASSES:
            continue
        told = str(feature.get("property") or feature["name"])[:64]
        # For contacts value_on (true) means closed.
        is_contact = feature["name"] == "contact"
        on, off = (normal(feature.get(f"value_{one}", one == "on"))[:VALUE_MAX] for one in ("on", "off"))
        yield SensorSpec(
            key=slug(f"{name}_{told}"),
            source="zigbee2mqtt",
            name=told,
            device=as_name(name)[:64],
            kind=CLASSES[str(feature["name"])],
            topic=f"{BASE}/{name}",
            template=Template(told),
            on=off if is_contact else on,
            off=on if is_contact else off,
            availability=((f"{BASE}/{name}/availability", Template("state")),),
        )
