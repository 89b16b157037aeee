"""All topics of a node with their payloads, the content of the AsyncAPI document and the table of topics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pi_cam_node.cli.reference.asyncapi.channel import (
    GROUP,
    JPEG,
    NODE,
    ON_OFF,
    ONLINE,
    PICTURE,
    TEXT,
    Channel,
    Content,
    json_content,
    number_content,
    text_content,
)
from pi_cam_node.cli.reference.asyncapi.messages import command_messages, reply_messages
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas
from pi_cam_node.config.catalogue import SettingInfo, catalogue
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.status import Telemetry
from pi_cam_node.mqtt.messages.payloads import EVENTS, Info, LastEvent, LastPicture
from pi_cam_node.mqtt.messages.topics import Topics


def channels(schemas: Schemas) -> list[Channel]:
    """Return the topics of a node, published ones first; named schemas are added to ``schemas``."""
    topics = Topics("pi_cam_node", NODE, (GROUP,), "homeassistant", "homeassistant/status")
    return [
        *_about_the_node(topics, schemas),
        *_media(topics, schemas),
        *_shown(topics),
        *_replies(topics, schemas),
        *_taken(topics, schemas),
    ]


def _about_the_node(topics: Topics, schemas: Schemas) -> Iterator[Channel]:
    yield Channel(
        address=topics.availability,
        summary="`online` or `offline`: the node; also its last will",
        contents=text_content("availability", ONLINE, "online"),
        retain=True,
    )
    yield Channel(
        address=topics.camera_availability,
        summary="`online` or `offline`: frames arrive, or not",
        contents=text_content("cameraAvailability", ONLINE, "online"),
        retain=True,
    )
    yield Channel(
        address=topics.info,
        summary="JSON: version, boot id, session, source, resolution, capabilities, commands, hash of the settings",
        contents=json_content(schemas, "info", Info),
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
        contents=json_content(schemas, "telemetry", Telemetry),
        qos=0,
    )
    for kind, payload in EVENTS.items():
        summary = "JSON: " + (payload.__doc__ or kind).strip().partition("\n")[0]
        yield Channel(
            address=topics.event(kind), summary=summary, contents=json_content(schemas, f"{kind}Event", payload)
        )
    blanks = {"type": "string", "pattern": "^ *$"}
    yield Channel(
        address=topics.probe,
        summary="blanks, by which the node finds out how large a packet its broker takes",
        contents=text_content("probe", blanks, " "),
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
    yield "mode", "`day` or `night`", text_content("mode", {"type": "string", "enum": ["day", "night"]}, "day")
    yield "brightness", "mean luma, 0.0 to 255.0", number_content("brightness", 113.6, minimum=0, maximum=255)
    yield "lux", "illuminance in lx, where it is known", number_content("lux", 42.1, minimum=0)
    yield "motion", "`ON` or `OFF`: confirmed motion", text_content("motion", ON_OFF, "OFF")
    yield (
        "motion/{zone}",
        "`ON` or `OFF`: motion in a zone of `motion.zones`",
        text_content("motionInZone", ON_OFF, "OFF"),
    )
    yield "recording", "`ON` while a film is being written, else `OFF`", text_content("recording", ON_OFF, "OFF")
    yield "privacy", "`ON` or `OFF`", text_content("privacy", ON_OFF, "OFF")
    yield "ring_seconds", "seconds that the ring reaches back", number_content("ringSeconds", 29.9, minimum=0)
    fault = {"type": "string", "pattern": "^(ok|[a-z_]+: .+)$"}
    yield "last_error", "`ok`, or `<code>: <words>`", text_content("lastError", fault, "ok")


def _in_force(info: SettingInfo) -> Content:
    """Return the message with the value of a setting, as written by `pi_cam_node.config.values.as_text`."""
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
        contents=json_content(schemas, "lastPicture", LastPicture),
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
        contents=text_content("thumbnail", base64, "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q=="),
        retain=True,
    )
    yield Channel(
        address=topics.media_event,
        summary="JSON: the facts of the last event that has a picture",
        contents=json_content(schemas, "lastEvent", LastEvent),
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
            contents=text_content(f"{name}Availability", ONLINE, "online"),
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
        contents=text_content("commandLine", line, "save jpg"),
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
