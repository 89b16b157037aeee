"""Parses Home Assistant's discovery messages into descriptions of sensors. No I/O.

Abbreviations and the ``~`` of topics: https://www.home-assistant.io/integrations/mqtt/#discovery-messages
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pi_cam_node.base.strict_json import json_object
from pi_cam_node.console.names import as_name
from pi_cam_node.console.sensors.sensor import VALUE_MAX, SensorSpec, is_topic, slug
from pi_cam_node.console.sensors.templates import TEMPLATE_MAX, Template, normal, parse

COMPONENTS = ("binary_sensor", "event")
_LONG = {
    "stat_t": "state_topic",
    "val_tpl": "value_template",
    "pl_on": "payload_on",
    "pl_off": "payload_off",
    "dev_cla": "device_class",
    "uniq_id": "unique_id",
    "obj_id": "object_id",
    "def_ent_id": "default_entity_id",
    "dev": "device",
    "avty": "availability",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "cmps": "components",
    "p": "platform",
    "t": "topic",
    "sa": "suggested_area",
}


def specs_of(topic: str, payload: bytes, prefix: str) -> list[SensorSpec]:
    """Return the sensors that a discovery message announces.

    Args:
        topic: ``<prefix>/binary_sensor/[<node>/]<object>/config`` or ``<prefix>/device/<object>/config``.
        payload: JSON.
        prefix: The discovery prefix.
    """
    parts = topic.removeprefix(f"{prefix}/").split("/")
    if parts[-1] != "config" or len(parts) not in {3, 4}:
        return []
    body = _long(json_object(payload))
    if parts[0] == "device":
        return list(_of_device(body, parts[-2]))
    spec = _spec(parts[0], body, parts[-2]) if parts[0] in COMPONENTS else None
    return [] if spec is None else [spec]


def _of_device(body: Mapping[str, Any], device_id: str) -> Iterator[SensorSpec]:
    components = body.get("components")
    shared = {key: value for key, value in body.items() if key != "components"}
    for name, told in components.items() if isinstance(components, dict) else ():
        component = _long(told) if isinstance(told, dict) else {}
        kind = component.get("platform")
        if kind in COMPONENTS:
            spec = _spec(str(kind), {**shared, **component}, f"{device_id}_{name}")
            if spec is not None:
                yield spec


def _spec(component: str, body: Mapping[str, Any], otherwise: str) -> SensorSpec | None:
    topic = _topic(body, body.get("state_topic"))
    key = slug(str(body.get("object_id") or body.get("unique_id") or otherwise))
    if not topic or not key:
        return None
    device = body.get("device")
    device = _long(device) if isinstance(device, dict) else {}
    told = body.get("value_template")
    return SensorSpec(
        key=key,
        source="discovery",
        name=as_name(str(body.get("name") or ""))[:64],
        device=as_name(str(device.get("name") or ""))[:64],
        kind="event" if component == "event" else str(body.get("device_class") or "")[:32],
        topic=topic,
        template=Template("event_type") if component == "event" and not told else parse(told),
        on=normal(body.get("payload_on", "ON"))[:VALUE_MAX],
        off=normal(body.get("payload_off", "OFF"))[:VALUE_MAX],
        room=str(device.get("suggested_area") or "")[:64],
        availability=tuple(_availability(body)),
        raw_template=str(told or "")[:TEMPLATE_MAX],
    )


def _availability(body: Mapping[str, Any]) -> Iterator[tuple[str, Template]]:
    told = body.get("availability")
    entries = [_long(one) for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    if body.get("availability_topic"):
        entries.append({"topic": body["availability_topic"], "value_template": body.get("availability_template")})
    for entry in entries[:8]:
        topic, template = _topic(body, entry.get("topic")), parse(entry.get("value_template"))
        if topic and template is not None:
            yield topic, template


def _topic(body: Mapping[str, Any], told: object) -> str:
    """Return a topic with ``~`` expanded; empty if it has wildcards or is missing."""
    if not isinstance(told, str):
        return ""
    base = str(body.get("~") or "")
    topic = base + told[1:] if told.startswith("~") else told[:-1] + base if told.endswith("~") else told
    return topic if is_topic(topic) else ""


def _long(body: Mapping[str, Any]) -> dict[str, Any]:
    return {_LONG.get(key, key): value for key, value in body.items()}
