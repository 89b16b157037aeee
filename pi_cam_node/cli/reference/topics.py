"""``docs/mqtt.md``: the topics as the code builds them, and the Home Assistant entities."""

from __future__ import annotations

from pi_cam_node.cli.reference.asyncapi.channel import Channel
from pi_cam_node.cli.reference.asyncapi.channels import channels
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas
from pi_cam_node.config import Config
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.entities import Entity, entities
from pi_cam_node.mqtt.messages.topics import Topics

# Last level and meaning of the topics of which there are many of a kind.
_SHARED = {
    "config": ("<key>", "the value in force of each live setting"),
    "reply": ("<verb>", "the reply"),
    "cmd": ("<verb>", "in: its arguments as plain text, JSON or nothing; see [commands.md](commands.md)"),
    "set": ("<key>", "in: the new value of a live setting; see [settings.md](settings.md)"),
}

_HEAD = """\
# Topics

<!-- Written by `pi-cam-node docs --write` from `pi_cam_node/mqtt/messages/topics.py` and `pi_cam_node/core/entities`. -->

For `mqtt.base_topic: pi_cam_node` and `node.id: porch`. Every message has QoS 1 unless the table says 0. Payloads are
UTF-8; times are ISO 8601 in UTC, and milliseconds since the epoch beside them. [asyncapi.yaml](asyncapi.yaml) has the same for programs, with the JSON
schema and an example of every payload; tests compare a running node with it. [openapi.yaml](openapi.yaml) describes HTTP.

| topic | retained | payload |
|---|---|---|
"""

_RULES = """
After each connect the node subscribes, publishes `info`, `config/…`, `state/…` and the last picture, the discovery message,
`camera/availability`, and `availability` last: when a client sees `online`, everything else is published. The last will is
`offline` on `availability`; with MQTT 5 it comes ten seconds after a node vanished, so that a short gap is not seen. A node that vanished leaves its
retained values behind, `camera/availability` too: they count only while `availability` is `online`. Brightness and lux are published
together when brightness moves by `telemetry.brightness_deadband` or lux by more than a fifth, at most every `telemetry.brightness_min_interval_s`. All
that is retained, except pictures and `media/last`, is published again every `telemetry.refresh_s`, and when Home Assistant announces itself. Where
`motion.enable` is off, `state/motion` is `OFF`.

While privacy is on, `state/privacy` is `ON`, `camera/availability` is `offline`, and every topic that holds a picture is emptied:
[privacy](privacy.md). So are the topics of a picture that is deleted by a command, or whose setting is set to 0.

Events that had to wait for the broker carry `late: true`: what they report may be over. A repeated message has the same `id` and `event_type`.

An emptied topic (`mode`, `brightness`, `lux`) means that the value is not known: before the first frame, or for a camera that does not report its
exposure.

## Rights a broker must give

| who | may read | may write |
|---|---|---|
| the node | `pi_cam_node/porch/#`, `pi_cam_node/all/cmd/+`, `pi_cam_node/group/+/cmd/+`, `homeassistant/status`, its own discovery topic | \
`pi_cam_node/porch/#`, its own discovery topic, `replies/#` |
| Home Assistant | `pi_cam_node/#`, `homeassistant/#`, `replies/#` | `pi_cam_node/+/cmd/#`, `pi_cam_node/group/+/cmd/+`, \
`pi_cam_node/+/set/#`, `homeassistant/#` |
| a dashboard | `pi_cam_node/#`, `replies/#` | `pi_cam_node/+/cmd/#`, `pi_cam_node/group/+/cmd/+`; without `set/#` it cannot change settings, but `cmd/set` is a command too |

The response topic of an MQTT 5 request must lie below the node's own `reply/`, or outside of `pi_cam_node/` where the node may write, such as
`replies/…`; any other is ignored, and the reply goes to `reply/<verb>`.

`docker/broker/config/acl` is such a list. `pi-cam-node doctor` publishes a probe and reads it back, because a broker may refuse without an error.
"""

_ENTITIES = """
## Home Assistant

One retained message on `homeassistant/device/pi_cam_node_porch/config` announces the device with these entities. Those in
italics are disabled by default.

| entity | platform | value | changed or pressed by |
|---|---|---|---|
"""


def reference() -> str:
    """Return ``docs/mqtt.md``."""
    topics = Topics("pi_cam_node", "porch", ("garden",), "homeassistant", "homeassistant/status")
    config = Config.model_validate({"node": {"id": "porch"}})
    offered = [_entity(entity, topics) for entity in entities(config, registry().values())]
    return _HEAD + "\n".join(_rows()) + "\n" + _RULES + _ENTITIES + "\n".join(offered) + "\n"


def _rows() -> list[str]:
    """Return a row for each topic; those of all settings share one, and those of all commands."""
    rows: dict[str, str] = {}
    for channel in channels(Schemas()):
        topic = channel.address.replace("{node}", "porch").replace("{group}", "garden")
        topic = topic.replace("{verb}", "<verb>").replace("{zone}", "<zone>")
        kind = topic.removeprefix("pi_cam_node/porch/").partition("/")[0] if "/porch/" in topic else ""
        place, summary = _SHARED.get(kind, ("", channel.summary))
        if place and not topic.endswith("/cmd"):
            topic = f"pi_cam_node/porch/{kind}/{place}"
        else:
            summary = channel.summary
        rows.setdefault(topic, _row(topic, channel, summary))
    return list(rows.values())


def _row(topic: str, channel: Channel, summary: str) -> str:
    retained = ("yes" if channel.retain else "no") if channel.sent else "never"
    return f"| `{topic}` | {retained}{'' if channel.qos else ', QoS 0'} | {summary} |"


def _entity(entity: Entity, topics: Topics) -> str:
    name = entity.name or "(the device's own name)"
    shown = name if entity.enabled else f"*{name}*"
    origin = f"`{entity.origin}`" + (f" `{entity.source}`" if entity.source else "") if entity.origin else "–"
    changed = ""
    if entity.verb:
        changed = f"`{topics.cmd(entity.verb)}`"
    elif entity.origin == "config":
        changed = f"`{topics.set(entity.source)}`"
    return f"| {shown} | {entity.platform} | {origin} | {changed} |"
