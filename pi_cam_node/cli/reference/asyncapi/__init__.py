"""``docs/asyncapi.yaml``: the MQTT interface as an AsyncAPI 3 document, from the registry, the settings and the topics.

The application that it describes is the node: what it sends are operations *send*, what it takes *receive*.
Source: AsyncAPI specification 3.0.0, and version 0.2.0 of its MQTT bindings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

from pi_cam_node import __version__
from pi_cam_node.cli.reference.asyncapi.channel import PLACES, Channel, Content
from pi_cam_node.cli.reference.asyncapi.channels import channels
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas
from pi_cam_node.mqtt.messages.topics import REPLY_BYTES

_HEAD = "# Written by `pi-cam-node docs --write` from the registry of commands, the settings and the topics.\n"
_BINDING = "0.2.0"
_ABOUT = """\
A camera node on MQTT. `pi_cam_node` is `mqtt.base_topic`. A payload that is empty takes a retained value away: it is not
known, or privacy is on. Commands are never retained. A command may carry `id` and `expires`, and is answered once with
`stage: final`, on `reply/<verb>` or on the response topic of an MQTT 5 request, with its correlation data.
"""


def document() -> dict[str, Any]:
    """Return the whole document."""
    schemas = Schemas()
    described = channels(schemas)
    addresses = {channel.address: channel.name for channel in described}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "pi_cam_node",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {"host": "broker.lan:1883", "protocol": "mqtt", "protocolVersion": "5"},
            "brokerWithTls": {"host": "broker.lan:8883", "protocol": "mqtts", "protocolVersion": "5"},
        },
        "channels": {channel.name: _channel(channel) for channel in described},
        "operations": {_operation_name(channel): _operation(channel, addresses) for channel in described},
        "components": {"messages": _messages(described), "schemas": schemas.named},
    }


def page() -> str:
    """Return ``docs/asyncapi.yaml``."""
    return _HEAD + yaml.dump(document(), Dumper=NoAnchors, sort_keys=False, allow_unicode=True, width=110)


class NoAnchors(yaml.SafeDumper):
    """Writes what occurs twice twice: other readers of YAML know no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return that no anchor is made."""
        del data
        return True


def _channel(channel: Channel) -> dict[str, Any]:
    places = re.findall(r"{(\w+)}", channel.address)
    return {
        "address": channel.address,
        "summary": channel.summary,
        "messages": {c.name: {"$ref": f"#/components/messages/{c.name}"} for c in channel.contents},
        **({"parameters": {place: {"description": PLACES[place]} for place in places}} if places else {}),
    }


def _operation_name(channel: Channel) -> str:
    return ("send" if channel.sent else "receive") + channel.name[:1].upper() + channel.name[1:]


def _operation(channel: Channel, addresses: dict[str, str]) -> dict[str, Any]:
    binding = {"qos": channel.qos, "retain": channel.retain, "bindingVersion": _BINDING}
    reply = {"reply": {"channel": _reference(addresses[channel.answers])}} if channel.answers else {}
    return {
        "action": "send" if channel.sent else "receive",
        "channel": _reference(channel.name),
        "bindings": {"mqtt": binding},
        **reply,
    }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{name}"}


def _messages(described: Iterable[Channel]) -> dict[str, Any]:
    return {content.name: _message(content, channel) for channel in described for content in channel.contents}


def _message(content: Content, channel: Channel) -> dict[str, Any]:
    message: dict[str, Any] = {"contentType": content.media, "payload": dict(content.schema)}
    if content.properties:
        told = {name: {"type": "string", "description": meaning} for name, meaning in content.properties.items()}
        message["headers"] = {"type": "object", "properties": told, "description": "MQTT 5: user properties."}
    if not channel.sent:
        topic = {"type": "string", "maxLength": REPLY_BYTES}
        message["bindings"] = {"mqtt": {"responseTopic": topic, "bindingVersion": _BINDING}}
    if content.example is not None:
        message["examples"] = [{"payload": content.example}]
    return message
