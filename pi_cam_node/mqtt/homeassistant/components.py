"""One entity as a component of Home Assistant's discovery message.

Home Assistant silently ignores unknown keys inside a component, so newer ones may be used here; a wrong value affects
the component only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pi_cam_node.config import Config
from pi_cam_node.core.entities import Entity
from pi_cam_node.mqtt.messages.event_messages import EMPTY_TEXT
from pi_cam_node.mqtt.messages.topics import Topics

Keys = dict[str, Any]

# Expiry of a button press that the broker cannot deliver.
PRESS_EXPIRY_S = 10

# Length of Home Assistant's longest state.
STATE_CHARS = 255

# Home Assistant's recorder does not keep attributes beyond 16 KiB, and a thumbnail may be larger.
_FACTS_OF_PICTURE = "{{ dict((value_json | default({})).items() | rejectattr(0, 'eq', 'thumbnail')) | tojson }}"


def component(entity: Entity, device: str, topics: Topics, config: Config) -> Keys:
    """Return the component for an entity of a device."""
    identity = f"{device}_{entity.key}"
    described = {
        "device_class": entity.device_class,
        "entity_category": entity.category,
        "icon": entity.icon,
        "state_class": entity.state_class,
        "unit_of_measurement": entity.unit,
    }
    keys = {
        "platform": entity.platform,
        "unique_id": identity,
        "default_entity_id": f"{entity.platform}.{identity.replace('-', '_')}",
        "name": entity.name,
        "qos": 1,
        **{key: value for key, value in described.items() if value},
        **_ORIGINS[entity.origin](entity, topics, config),
        **_PLATFORMS.get(entity.platform, _nothing)(entity, topics),
    }
    if entity.precision is not None:
        keys["suggested_display_precision"] = entity.precision
    if not entity.enabled:
        keys["enabled_by_default"] = False
    if entity.needs_camera:
        keys["availability"] = [{"topic": topics.availability}, {"topic": topics.camera_availability}]
        keys["availability_mode"] = "all"
    return keys


# ---------------------------------------------------------------- where the value comes from


def _state(entity: Entity, topics: Topics, _config: Config) -> Keys:
    # An emptied topic means unknown, and Home Assistant would keep the old value.
    return {"state_topic": topics.state(entity.source), "value_template": f"{{{{ value[:{STATE_CHARS}] or none }}}}"}


def _setting(entity: Entity, topics: Topics, _config: Config) -> Keys:
    return {"state_topic": topics.config(entity.source), "command_topic": topics.set(entity.source)}


def _figure(entity: Entity, topics: Topics, config: Config) -> Keys:
    """Show one field of the telemetry; missing, null and invalid values are unknown, not zero."""
    field = f"value_json.{entity.source}"
    value = field if entity.scale == 1 else f"({field} / {entity.scale}) | round(2)"
    numeric = entity.unit or entity.state_class
    template = f"{{{{ {value} if {field} is number else none }}}}" if numeric else f"{{{{ {field} | default(none) }}}}"
    return {
        "state_topic": topics.telemetry,
        "value_template": template,
        # Telemetry is not retained: after three intervals without it the values are unknown.
        "expire_after": math.ceil(3 * config.telemetry.interval_s),
    }


def _camera(_entity: Entity, topics: Topics, _config: Config) -> Keys:
    return {"state_topic": topics.camera_availability, "payload_on": "online", "payload_off": "offline"}


def _frame(_entity: Entity, topics: Topics, _config: Config) -> Keys:
    return {"topic": topics.frame}


def _picture(_entity: Entity, topics: Topics, config: Config) -> Keys:
    return {
        **_shown(topics, topics.shown_picture, config),
        "json_attributes_topic": topics.media_last,
        "json_attributes_template": _FACTS_OF_PICTURE,
    }


def _shown(topics: Topics, topic: str, config: Config) -> Keys:
    """Return the topics of an image entity.

    Home Assistant serves the picture of an unavailable entity to all logged-in users. In privacy the entity is switched
    to pictures by URL, of which none is sent, so nothing is served; afterwards the old picture and its time are back.
    """
    hidden = {"url_topic": topics.hidden(topic)}
    available = {"topic": topics.available(topic)}
    return {
        **(hidden if config.privacy.enable else {"image_topic": topic, "content_type": "image/jpeg"}),
        "availability": [{"topic": topics.availability}, available],
        "availability_mode": "all",
    }


def _event_picture(_entity: Entity, topics: Topics, config: Config) -> Keys:
    return {
        **_shown(topics, topics.shown_event, config),
        "json_attributes_topic": topics.media_event,
    }


def _picture_time(_entity: Entity, topics: Topics, _config: Config) -> Keys:
    return {
        "state_topic": topics.media_last,
        "value_template": "{{ (value_json | default({})).last_at | default(none) }}",
    }


def _event(entity: Entity, topics: Topics, _config: Config) -> Keys:
    return {"state_topic": topics.event("+"), "event_types": list(entity.choices)}


def _no_value(_entity: Entity, _topics: Topics, _config: Config) -> Keys:
    return {}


_ORIGINS: dict[str, Callable[[Entity, Topics, Config], Keys]] = {
    "": _no_value,
    "state": _state,
    "config": _setting,
    "telemetry": _figure,
    "camera": _camera,
    "frame": _frame,
    "picture": _picture,
    "picture_time": _picture_time,
    "event_picture": _event_picture,
    "event": _event,
}

# ---------------------------------------------------------------- what the platform adds


def _button(entity: Entity, topics: Topics) -> Keys:
    return {
        "command_topic": topics.cmd(entity.verb),
        "payload_press": "",
        "message_expiry_interval": PRESS_EXPIRY_S,
    }


def _number(entity: Entity, _topics: Topics) -> Keys:
    # A box instead of a slider, which is too coarse, narrow, and easily moved when scrolling.
    limits = {"min": entity.minimum, "max": entity.maximum, "step": entity.step, "mode": "box"}
    if entity.scale == 1:
        return limits
    return {
        **limits,
        "value_template": f"{{{{ value | float / {entity.scale} }}}}",
        "command_template": f"{{{{ (value * {entity.scale}) | round | int }}}}",
    }


def _switch(_entity: Entity, _topics: Topics) -> Keys:
    return {"payload_on": "on", "payload_off": "off"}


def _options(entity: Entity, _topics: Topics) -> Keys:
    return {"options": list(entity.choices)} if entity.choices else {}


def _text(entity: Entity, _topics: Topics) -> Keys:
    item = "|".join(entity.choices)
    if item:
        return {"pattern": f"^({item})([ ,]+({item}))*$"}
    # A longer text than Home Assistant's longest state would be a warning at each refresh, and the old one would stay. The
    # sign of a cut makes the node refuse it where it is sent back.
    shown = f"value if value | length <= {STATE_CHARS} else value[:{STATE_CHARS - 1}] ~ '…'"
    return {"value_template": f"{{{{ '' if value == '{EMPTY_TEXT}' else {shown} }}}}"}


def _nothing(_entity: Entity, _topics: Topics) -> Keys:
    return {}


_PLATFORMS: dict[str, Callable[[Entity, Topics], Keys]] = {
    "button": _button,
    "number": _number,
    "switch": _switch,
    "select": _options,
    "sensor": _options,
    "text": _text,
}
