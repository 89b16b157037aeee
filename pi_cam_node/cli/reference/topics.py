"""``docs/mqtt.md``: the topics as the code builds them, and the Home Assistant entities."""

from __future__ import annotations

from pi_cam_node.config import Config
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.entities import EVENT_TYPES, Entity, entities
from pi_cam_node.mqtt.topics import STATE_KEYS, Topics

_HEAD = """\
# Topics

<!-- Written by `pi-cam-node docs --write` from `pi_cam_node/mqtt/topics.py` and `pi_cam_node/core/entities`. -->

For `mqtt.base_topic: pi_cam_node` and `node.id: porch`. Every message has QoS 1 unless the table says 0. Payloads are
UTF-8; times are ISO 8601 in UTC, and milliseconds since the epoch beside them.

| topic | retained | payload |
|---|---|---|
"""

_RULES = """
After each connect the node subscribes, publishes `info`, `config/…`, `state/…` and the last picture, the discovery message,
`camera/availability`, and `availability` last: a client that sees `online` finds everything in place. The last will is
`offline` on `availability`; with MQTT 5 it comes ten seconds after a node vanished, so that a short gap is not seen. Brightness and lux are published
together when brightness moves by `telemetry.brightness_deadband` or lux by more than a fifth, at most every `telemetry.brightness_min_interval_s`. All
that is retained, but for pictures and `media/last`, is sent again every `telemetry.refresh_s`, and when Home Assistant announces itself. Where
`motion.enable` is off, `state/motion` is `OFF`.

While privacy is on, `state/privacy` is `ON`, `camera/availability` is `offline`, and every topic that holds a picture is emptied:
[privacy](privacy.md).

An emptied topic (`mode`, `brightness`, `lux`) means that the value is not known: before the first frame, or for a camera that does not tell its
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

`docker/broker/config/acl` is such a list. `pi-cam-node doctor` publishes a probe and reads it back, because a broker may refuse in silence.
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
    rows = [f"| `{topic}` | {retained} | {payload} |" for topic, retained, payload in _published(topics)]
    commands = [f"| `{topic}` | never | {payload} |" for topic, payload in _taken(topics)]
    offered = [_entity(entity, topics) for entity in entities(config, registry().values())]
    return _HEAD + "\n".join([*rows, *commands]) + "\n" + _RULES + _ENTITIES + "\n".join(offered) + "\n"


def _published(topics: Topics) -> list[tuple[str, str, str]]:
    states = ", ".join(f"`{key}`" for key in STATE_KEYS)
    kinds = ", ".join(f"`{kind}`" for kind in EVENT_TYPES)
    return [
        (topics.availability, "yes", "`online` or `offline`: the node; also its last will"),
        (topics.camera_availability, "yes", "`online` or `offline`: frames arrive, or not"),
        (
            topics.info,
            "yes",
            "JSON: version, boot id, session, source, resolution, capabilities, commands, hash of the settings",
        ),
        (topics.state("<key>"), "yes", f"one bare scalar: {states}"),
        (topics.state("motion/<zone>"), "yes", "`ON` or `OFF`: motion in a zone of `motion.zones`"),
        (topics.config("<key>"), "yes", "the value in force of each live setting"),
        (
            topics.telemetry,
            "no, QoS 0",
            "JSON, each `telemetry.interval_s`: memory, processor, temperature, disk, clock, rates, counters",
        ),
        (topics.event("<type>"), "no", f"JSON with `event_type`, `id`, times and cause: {kinds}"),
        (topics.media_last, "yes", "JSON: the facts of the last saved picture"),
        (topics.media_image, "yes", "that picture as raw JPEG, at most `mqtt.image_max_bytes`"),
        (topics.media_thumbnail, "yes", "that picture small, as bare base64 of a JPEG"),
        (topics.media_event, "yes", "JSON: the facts of the last event that has a picture"),
        (topics.media_event_image, "yes", "its picture as raw JPEG"),
        (topics.frame, "yes, QoS 0", "the live picture as raw JPEG, at most `homeassistant.camera_fps` a second"),
        (
            topics.shortstream,
            "no",
            "a frame of `shortstream`; MQTT 5 tells index, count, frame and time as user properties",
        ),
        (topics.reply("VERB").replace("VERB", "<verb>"), "no", "the reply"),
    ]


def _taken(topics: Topics) -> list[tuple[str, str]]:
    several = [f for f in topics.command_filters() if "/all/" in f or "/group/" in f]
    return [
        (topics.cmd_line, "in: a whole command line, e.g. `save jpg`"),
        (topics.cmd("<verb>"), "in: its arguments as plain text, JSON or nothing; see [commands.md](commands.md)"),
        (topics.set("<key>"), "in: the new value of a live setting; see [settings.md](settings.md)"),
        *((f.replace("+", "<verb>"), "in: the same for several nodes") for f in several),
    ]


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
