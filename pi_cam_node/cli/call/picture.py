"""The picture or clip of a reply: by its signed link, a picture else from the retained topics of the last one."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pi_cam_node.base.strict_json import json_object
from pi_cam_node.cli.call.request import Reply
from pi_cam_node.mqtt.blocking_client import BlockingClient, Received
from pi_cam_node.mqtt.messages.topics import Topics

HTTP_TIMEOUT_S = 10.0
MQTT_TIMEOUT_S = 5.0
PICTURE_MAX_BYTES = 256 << 20


class NoPicture(LookupError):
    """The command was carried out, but its picture or clip cannot be fetched."""


def subscribe(connection: BlockingClient, topics: Topics) -> None:
    """Subscribe to the topics of the last picture; before the command is sent.

    Raises:
        NoBroker: The connection broke.
    """
    connection.subscribe([topics.media_last, topics.media_image])


def fetch(connection: BlockingClient, topics: Topics, reply: Reply, suffix: str) -> bytes:
    """Return the bytes of the picture or clip of a reply.

    Args:
        connection: The connection to the broker, see `subscribe`.
        topics: The topics of the node.
        reply: The final reply to a command that saves a picture or a clip.
        suffix: The wanted format with its dot, e.g. ``.png``; the JPEG where the picture has no such file.

    Raises:
        NoPicture: The reply names none, or neither HTTP nor MQTT delivers it.
        NoBroker: The connection broke.
    """
    data = reply.get("data") or {}
    is_picture, is_clip = "paths" in data, data.get("kind") == "clip"
    if not isinstance(data.get("id"), str) or not (is_picture or is_clip):
        raise NoPicture("the reply names no picture and no clip; save, pastStack and clip make one")
    body, why = _over_http(data, suffix)
    if body is None and is_picture:
        body, why = _over_mqtt(connection, topics, data["id"]), f"{why}, and not as the last picture over MQTT"
    if body is None:
        raise NoPicture(f"{data['path']} is saved, but cannot be fetched: {why}")
    return body


def _over_http(data: dict[str, Any], suffix: str) -> tuple[bytes | None, str]:
    """Return the file behind the link, and why there is none; a link to loopback may lead to another machine's node."""
    url = data.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return None, "the reply has no link to it"
    wanted = suffix.removeprefix(".") if suffix in {Path(path).suffix for path in data.get("paths", ())} else ""
    try:
        address = f"{url}{'&' if '?' in url else '?'}format={wanted}" if wanted else url
        with urllib.request.urlopen(address, timeout=HTTP_TIMEOUT_S) as answer:  # noqa: S310 - http and https only
            body = bytes(answer.read(PICTURE_MAX_BYTES))
    except (OSError, ValueError) as error:
        return None, f"the link to it does not answer ({error})"
    return (body, "") if _is_meant(body, wanted, data) else (None, "the link leads to another file")


def _is_meant(body: bytes, wanted: str, data: dict[str, Any]) -> bool:
    """Return whether this is the file of the reply, as far as the reply tells."""
    if "paths" not in data:
        return len(body) == data.get("bytes")
    is_first = wanted in ("", Path(data["path"]).suffix.removeprefix("."))
    return not is_first or hashlib.sha256(body).hexdigest() == data.get("sha256")


def _over_mqtt(connection: BlockingClient, topics: Topics, picture_id: str) -> bytes | None:
    """Return the image of ``media/last/image`` that belongs to a picture, ``None`` where it is not published.

    The n-th live image belongs to the n-th live description on ``media/last``, whichever of the two comes first.
    """

    def found(received: Sequence[Received]) -> bytes | None:
        for retained in (False, True):
            messages = [message for message in received if message.retained is retained]
            ids = [_id_of(message) for message in messages if message.topic == topics.media_last]
            images = [message.payload for message in messages if message.topic == topics.media_image]
            if picture_id in ids and len(images) > ids.index(picture_id):
                return images[ids.index(picture_id)]
        return None

    return connection.wait_for(found, MQTT_TIMEOUT_S) or None


def _id_of(message: Received) -> object:
    return json_object(message.payload).get("id")
