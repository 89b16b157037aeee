"""Description of a topic and its messages, for the AsyncAPI document and the table of topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pi_cam_node.cli.reference.asyncapi.schemas import Schemas

JSON, TEXT, JPEG = "application/json", "text/plain", "image/jpeg"
# Placeholders in addresses, with their meaning.
PLACES: Mapping[str, str] = {
    "node": "The id of the node, `node.id`.",
    "zone": "A zone of `motion.zones`.",
    "group": "A group of `node.groups`.",
    "verb": "A command.",
}
NODE, GROUP = "{node}", "{group}"
ON_OFF: Mapping[str, object] = {"type": "string", "enum": ["ON", "OFF"]}
ONLINE: Mapping[str, object] = {"type": "string", "enum": ["online", "offline"]}
PICTURE: Mapping[str, object] = {"type": "string", "format": "binary"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One kind of message on a channel.

    Attributes:
        name: Name, unique in the document.
        schema: JSON schema of the payload.
        media: Content type.
        example: Example of a payload; ``None`` for pictures.
        properties: User properties (MQTT 5) with their meaning.
    """

    name: str
    schema: Mapping[str, Any]
    media: str = JSON
    example: Any = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic, or a pattern of topics.

    Attributes:
        address: The topic, with `PLACES` in braces.
        summary: Description of its payload.
        contents: The kinds of its messages.
        sent: Whether the node publishes it, rather than receives it.
        retain: Whether messages are retained; an empty payload removes the topic.
        qos: Quality of service, 0 or 1.
        answers: Address of the replies to it; empty: none.
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
        words = [word for word in self.address.split("/")[1:] if word != NODE]
        parts = "_".join(words).replace("{", "").replace("}", "").replace(".", "_").split("_")
        return parts[0] + "".join(part[:1].upper() + part[1:] for part in parts[1:])


def text_content(name: str, schema: Mapping[str, Any], example: str) -> tuple[Content]:
    """Return a single kind of plain-text message."""
    return (Content(name=name, schema=schema, media=TEXT, example=example),)


def json_content(schemas: Schemas, name: str, kind: Any) -> tuple[Content]:
    """Return a single kind of JSON message, with the schema of a type."""
    schema = schemas.of(kind)
    return (Content(name=name, schema=schema, example=schemas.example(schema)),)


def number_content(name: str, example: float, **limits: Any) -> tuple[Content]:
    """Return a single kind of message with a bare number."""
    return (Content(name=name, schema={"type": "number", **limits}, example=example),)
