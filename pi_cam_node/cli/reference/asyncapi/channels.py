"""Every topic of a node with its payload: what the AsyncAPI document and the table of topics are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pi_cam_node.cli.reference.asyncapi.messages import command_messages, reply_messages
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas
from pi_cam_node.config.catalogue import SettingInfo, catalogue
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.status import Telemetry
from pi_cam_node.mqtt.messages.payloads import EVENTS, Info, LastEvent, LastPicture
from pi_cam_node.mqtt.messages.topics import Topics

JSON, TEXT, JPEG = "application/json", "text/plain", "image/jpeg"
# Stands for the id of the node, a zone and a group in the addresses.
PLACES: Mapping[str, str] = {
    "node": "The id of the node, `node.id`.",
    "zone": "A zone of `motion.zones`.",
    "group": "A group of `node.groups`.",
    "verb": "A command.",
}
_NODE, _GROUP = "{node}", "{group}"
ON_OFF: Mapping[str, object] = {"type": "string", "enum": ["ON", "OFF"]}
ONLINE: Mapping[str, object] = {"type": "string", "enum": ["online", "offline"]}
PICTURE: Mapping[str, object] = {"type": "string", "format": "binary"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One form of the messages on a channel.

    Attributes:
        name: Its name, unique in the document.
        schema: The JSON schema of the payload, as text or as JSON.
        media: Its content type.
        example: A payload of that form; ``None`` for pictures.
        properties: MQTT 5: user properties with their meaning.
    """

    name: str
    schema: Mapping[str, Any]
    media: str = JSON
    example: Any = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic, or one pattern of topics.

    Attributes:
        address: The topic, with `PLACES` in braces.
        summary: What its payload is, for people.
        contents: The forms of its messages.
        sent: The node publishes it; else the node takes it.
        retain: The broker keeps it; an empty payload takes it away.
        qos: 0 or 1.
        answers: The address of the replies to it.
    """

    address: str
    summary: str
    contents: Sequence[Content]
    sent: bool = True
    retain: bool = False
    qos: Literal[0, 1] = 1
    answers: str = ""

    @property
    def name(self) -> str:
        """Name of the channel in the document: ``stateBrightness``."""
        words = [word for word in self.address.split("/")[1:] if word != _NODE]
        parts = "_".join(words).replace("{", "").replace("}", "").replace(".", "_").split("_")
        return parts[0] + "".join(part[:1].upper() + part[1:] for part in parts[1:])


def channels(schemas: Schemas) -> list[Channel]:
    """Return the topics of a node, what it sends before what it takes; named schemas go into ``schemas``."""
    topics = Topics("pi_cam_node", _NODE, (_GROUP,), "homeassistant", "homeassistant/status")
    return [
        *_about_the_node(topics, schemas),
        *_media(topics, schemas),
        *_shown(topics),
        *_replies(topics, schemas),
        *_taken(topics, schemas),
    ]


def _text(name: str, schema: Mapping[str, Any], example: str) -> tuple[Content]:
    return (Content(name=name, schema=schema, media=TEXT, example=example),)


def _json(schemas: Schemas, name: str, kind: Any) -> tuple[Content]:
    schema = schemas.of(kind)
    return (Content(name=name, schema=schema, example=schemas.example(schema)),)


def _number(name: str, example: float, **limits: Any) -> tuple[Content]:
    return (Content(name=name, schema={"type": "number", **limits}, example=example),)


def _about_the_node(topics: Topics, schemas: Schemas) -> Iterator[Channel]:
    yield Channel(
        address=topics.availability,
        summary="`online` or `offline`: the node; also its last will",
        contents=_text("availability", ONLINE, "online"),
        retain=True,
    )
    yield Channel(
        address=topics.camera_availability,
        summary="`online` or `offline`: frames arrive, or not",
        contents=_text("cameraAvailability", ONLINE, "online"),
        retain=True,
    )
    yield Channel(
        address=topics.info,
        summary="JSON: version, boot id, session, source, resolution, capabilities, commands, hash of the settings",
        contents=_json(schemas, "info", Info),
        retain=True,
    )
    for key, summary, contents in _states():
        yield Channel(address=topics.state(key), summary=summary, contents=contents, retain=True)
    for key, info in catalogue().items():
        if info.live:
            yield Channel(
                address=topics.config(key), summary=f"in force: {info.doc}", contents=[_in_force(info)], retain=True
            )
    yield Channel(
        address=topics.telemetry,
        summary="JSON, each `telemetry.interval_s`: memory, processor, temperature, disk, clock, rates, counters",
        contents=_json(schemas, "telemetry", Telemetry),
        qos=0,
    )
    for kind, payload in EVENTS.items():
        summary = "JSON: " + (payload.__doc__ or kind).strip().partition("\n")[0]
        yield Channel(address=topics.event(kind), summary=summary, contents=_json(schemas, f"{kind}Event", payload))
    blanks = {"type": "string", "pattern": "^ *$"}
    yield Channel(
        address=topics.probe,
        summary="blanks, by which the node finds out how large a packet its broker takes",
        contents=_text("probe", blanks, " "),
    )
    discovery = {"type": "object", "description": "Device discovery as Home Assistant defines it."}
    yield Channel(
        address=topics.own_discovery,
        summary="JSON: Home Assistant's device discovery",
        contents=[Content(name="discovery", schema=discovery, example={"device": {}, "origin": {}, "components": {}})],
        retain=True,
    )


def _states() -> Iterator[tuple[str, str, tuple[Content]]]:
    """Yield key, summary and contents of each state topic."""
    yield "mode", "`day` or `night`", _text("mode", {"type": "string", "enum": ["day", "night"]}, "day")
    yield "brightness", "mean luma, 0.0 to 255.0", _number("brightness", 113.6, minimum=0, maximum=255)
    yield "lux", "illuminance in lx, where it is known", _number("lux", 42.1, minimum=0)
    yield "motion", "`ON` or `OFF`: confirmed motion", _text("motion", ON_OFF, "OFF")
    yield "motion/{zone}", "`ON` or `OFF`: motion in a zone of `motion.zones`", _text("motionInZone", ON_OFF, "OFF")
    yield "recording", "`ON` while a film is being written, else `OFF`", _text("recording", ON_OFF, "OFF")
    yield "privacy", "`ON` or `OFF`", _text("privacy", ON_OFF, "OFF")
    yield "ring_seconds", "seconds that the ring reaches back", _number("ringSeconds", 29.9, minimum=0)
    fault = {"type": "string", "pattern": "^(ok|[a-z_]+: .+)$"}
    yield "last_error", "`ok`, or `<code>: <words>`", _text("lastError", fault, "ok")


def _in_force(info: SettingInfo) -> Content:
    """Return the payload that tells the value of a setting, as `pi_cam_node.config.values.as_text` writes it."""
    name = f"config.{info.key}"
    if info.kind in ("int", "float"):
        limits = {"minimum": info.minimum, "maximum": info.maximum}
        schema: dict[str, Any] = {"type": "integer" if info.kind == "int" else "number"}
        schema |= {key: limit for key, limit in limits.items() if limit is not None}
        return Content(name=name, schema=schema, example=info.default)
    words = {"bool": ["on", "off"], "choice": list(info.choices)}.get(info.kind)
    schema = {"type": "string", **({"enum": words} if words else {"minLength": 1})}
    shown = ("on" if info.default else "off") if info.kind == "bool" else info.default
    example = ", ".join(shown) if isinstance(shown, list) else str(shown)
    return Content(name=name, schema=schema, media=TEXT, example=example or '""')


def _media(topics: Topics, schemas: Schemas) -> Iterator[Channel]:
    def pictures(name: str) -> tuple[Content]:
        return (Content(name=name, schema=PICTURE, media=JPEG),)

    yield Channel(
        address=topics.media_last,
        summary="JSON: the facts of the last saved picture",
        contents=_json(schemas, "lastPicture", LastPicture),
        retain=True,
    )
    yield Channel(
        address=topics.media_image,
        summary="that picture as raw JPEG, at most `mqtt.image_max_bytes`",
        contents=pictures("lastImage"),
        retain=True,
    )
    base64 = {"type": "string", "pattern": "^[A-Za-z0-9+/]+={0,2}$"}
    yield Channel(
        address=topics.media_thumbnail,
        summary="that picture small, as bare base64 of a JPEG",
        contents=_text("thumbnail", base64, "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q=="),
        retain=True,
    )
    yield Channel(
        address=topics.media_event,
        summary="JSON: the facts of the last event that has a picture",
        contents=_json(schemas, "lastEvent", LastEvent),
        retain=True,
    )
    yield Channel(
        address=topics.media_event_image,
        summary="its picture as raw JPEG",
        contents=pictures("lastEventImage"),
        retain=True,
    )
    yield Channel(
        address=topics.frame,
        summary="the live picture as raw JPEG, at most `homeassistant.camera_fps` a second",
        contents=pictures("frame"),
        retain=True,
        qos=0,
    )
    told = {"index": "Of this frame, from 0.", "count": "Of all.", "frame": "Its number.", "time": "UTC, ISO 8601."}
    stream = Content(name="streamFrame", schema=PICTURE, media=JPEG, properties=told)
    yield Channel(
        address=topics.shortstream,
        summary="a frame of `shortstream`; MQTT 5 tells index, count, frame and time as user properties",
        contents=[stream],
    )


def _shown(topics: Topics) -> Iterator[Channel]:
    """Yield the topics of Home Assistant's image entities."""
    for topic, what in ((topics.shown_picture, "that picture"), (topics.shown_event, "the picture of the last event")):
        name = f"shown{topic.rpartition('/')[2].title().replace('_', '')}"
        yield Channel(
            address=topic,
            summary=f"{what} as raw JPEG, once, for Home Assistant's image entity",
            contents=(Content(name=name, schema=PICTURE, media=JPEG),),
        )
        yield Channel(
            address=topics.available(topic),
            summary="`online` or `offline`: whether the image entity has a picture to show; `offline` in privacy",
            contents=_text(f"{name}Availability", {"type": "string", "enum": ["online", "offline"]}, "online"),
        )


def _replies(topics: Topics, schemas: Schemas) -> Iterator[Channel]:
    for verb in (*registry(), "unknown"):
        contents = [
            Content(name=name, schema=schema, example=schemas.example(schema))
            for name, schema in reply_messages(verb, schemas)
        ]
        summary = f"the replies to `{verb}`" if verb in registry() else "the replies to what names no command"
        yield Channel(address=topics.reply(verb), summary=summary, contents=contents)


def _taken(topics: Topics, schemas: Schemas) -> Iterator[Channel]:
    for verb, command in registry().items():
        contents = [
            Content(name=name, schema=schema, media=media, example=example)
            for name, schema, media, example in command_messages(command, schemas)
        ]
        yield Channel(
            address=topics.cmd(verb),
            summary=f"in: {command.summary}",
            contents=contents,
            sent=False,
            answers=topics.reply(verb),
        )
    line = {"type": "string", "description": "The verb, then its arguments in the plain-text form."}
    yield Channel(
        address=topics.cmd_line,
        summary="in: a whole command line, e.g. `save jpg`",
        contents=_text("commandLine", line, "save jpg"),
        sent=False,
    )
    for key, info in catalogue().items():
        if info.live:
            schema = {"description": f"{info.expected[0].upper()}{info.expected[1:]}; as text, or as JSON."}
            example = _in_force(info).example
            content = Content(name=f"set.{key}", schema=schema, media=TEXT, example=example)
            yield Channel(
                address=topics.set(key),
                summary=f"in: {info.doc}",
                contents=[content],
                sent=False,
                answers=topics.reply("set"),
            )
    anything = Content(name="sameForSeveral", schema={"type": ["object", "string"]}, example={"at": 2})
    for filter_ in (one for one in topics.command_filters() if "/all/" in one or "/group/" in one):
        yield Channel(
            address=filter_.replace("+", "{verb}"),
            summary="in: the same command for several nodes; each answers on its own topics",
            contents=[anything],
            sent=False,
        )
