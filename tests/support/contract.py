"""Checks messages and responses of a node against the documents: MQTT by AsyncAPI, HTTP by OpenAPI."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import unquote

from jsonschema import Draft202012Validator

from pi_cam_node.cli.reference.asyncapi.channel import JPEG, JSON, Channel, Content
from pi_cam_node.cli.reference.asyncapi.channels import channels
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas
from pi_cam_node.web import application
from pi_cam_node.web.api import openapi

# Maximum number of faults in a message.
FAULTS_SHOWN = 8

# Real nodes: (port of the broker, base topic, node id); messages published by tests are not checked.
_nodes: set[tuple[int, str, str]] = set()
_published_by_tests: set[tuple[str, bytes]] = set()
# Brokers that deliver with the QoS of the subscription instead of the message's.
_raising_qos: set[int] = set()


class Seen(Protocol):
    """A received message."""

    @property
    def topic(self) -> str: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def qos(self) -> int: ...
    @property
    def retain(self) -> bool: ...


def node_runs(port: int, base: str, node_id: str) -> None:
    """Register topics on which a real node publishes."""
    _nodes.add((port, base, node_id))


def port_is_new(port: int) -> None:
    """Remove registrations of earlier tests for a port that the system has assigned again."""
    _nodes.difference_update([node for node in _nodes if node[0] == port])
    _raising_qos.discard(port)


def published_by_test(topic: str, payload: bytes | str) -> None:
    """Register a message that the test publishes itself."""
    _published_by_tests.add((topic, payload.encode() if isinstance(payload, str) else payload))


def broker_raises_qos(port: int) -> None:
    """Register that this broker delivers with another QoS than the sender's."""
    _raising_qos.add(port)


def check_messages(port: int, messages: Iterable[Seen]) -> None:
    """Fail if a message of a real node to this broker does not match the document."""
    faults: dict[str, None] = {}
    checked: set[tuple[str, bytes, bool]] = set()
    for message in messages:
        address = _address_of(port, message.topic)
        seen = (message.topic, message.payload, message.retain)
        if address is None or seen in checked or seen[:2] in _published_by_tests:
            continue
        checked.add(seen)
        fault = contract().fault(address, message)
        if fault and not (port in _raising_qos and fault.startswith("QoS ")):
            faults[f"{message.topic}: {fault}"] = None
    assert not faults, "not of the form that docs/asyncapi.yaml tells:\n" + "\n".join(list(faults)[:FAULTS_SHOWN])


def _address_of(port: int, topic: str) -> str | None:
    """Return the document's address of a topic; ``None`` for topics not published by a real node."""
    for known, base, node_id in _nodes:
        root = f"{base}/{node_id}/"
        # `doctor` publishes below reply/ to check its rights.
        others = (f"{root}cmd", f"{root}set", f"{root}reply/doctor")
        if known == port and topic.startswith(root) and not topic.startswith(others):
            return f"pi_cam_node/{{node}}/{topic[len(root) :]}"
        if known == port and topic.endswith(f"/device/pi_cam_node_{node_id}/config"):
            return "homeassistant/device/pi_cam_node_{node}/config"
    return None


@functools.cache
def contract() -> Contract:
    """Return the contract, compiled once for all tests."""
    return Contract()


class Contract:
    """The node's outgoing channels, for checking messages."""

    def __init__(self) -> None:
        self._schemas = Schemas()
        self._exact: dict[str, Channel] = {}
        self._patterns: list[tuple[re.Pattern[str], Channel]] = []
        for channel in (one for one in channels(self._schemas) if one.sent):
            if set(re.findall(r"{(\w+)}", channel.address)) <= {"node"}:
                self._exact[channel.address] = channel
            else:
                pattern = re.escape(channel.address).replace(r"\{zone\}", "[^/]+")
                self._patterns.append((re.compile(pattern), channel))
        self._validators: dict[str, Draft202012Validator] = {}

    def fault(self, address: str, message: Seen) -> str:
        """Return the fault of a message; empty if it is valid."""
        channel = self._exact.get(_with_dots(address)) or next(
            (c for p, c in self._patterns if p.fullmatch(address)), None
        )
        if channel is None:
            # A client may choose any response topic below reply/.
            is_reply = address.startswith("pi_cam_node/{node}/reply/")
            return self._fault_of_reply(message) if is_reply else "no such topic is documented"
        if channel.retain and not message.payload:
            return ""
        if message.qos > channel.qos:
            return f"QoS {message.qos}, documented {channel.qos}"
        if message.retain and not channel.retain:
            return "retained, which is not documented"
        faults = [self._fault_of(content, message.payload) for content in channel.contents]
        return "" if "" in faults else "; or ".join(faults)

    def _fault_of_reply(self, message: Seen) -> str:
        try:
            verb = json.loads(message.payload)["verb"]
        except (ValueError, TypeError, KeyError):
            return f"no reply: {message.payload[:80]!r}"
        channel = self._exact.get(f"pi_cam_node/{{node}}/reply/{verb}", self._exact["pi_cam_node/{node}/reply/unknown"])
        return self.fault(channel.address, message)

    def _fault_of(self, content: Content, payload: bytes) -> str:
        if content.media == JPEG:
            return "" if payload[:2] == b"\xff\xd8" and payload[-2:] == b"\xff\xd9" else "no JPEG"
        try:
            value: Any = json.loads(payload) if content.media == JSON else payload.decode()
        except ValueError as error:
            return f"{content.name}: {error}"
        found = self._validator(content).iter_errors(value)
        return "; ".join(
            f"{content.name}: {'.'.join(map(str, one.absolute_path))}: {one.message[:160]}" for one in found
        )

    def _validator(self, content: Content) -> Draft202012Validator:
        if content.name not in self._validators:
            schema = {**content.schema, "components": {"schemas": self._schemas.named}}
            self._validators[content.name] = Draft202012Validator(schema)
        return self._validators[content.name]


def _with_dots(address: str) -> str:
    """Return the document's topic of a setting's value, as some brokers turn its dots into slashes."""
    root, found, key = address.partition("/config/")
    return f"{root}{found}{key.replace('/', '.')}"


def check_answer(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Fail if the status, type or JSON of an HTTP response does not match the OpenAPI document."""
    operation = _operation(method, unquote(path.partition("?")[0]))
    if operation is None:
        return
    answer = operation["responses"].get(str(status))
    assert answer is not None, f"{method} {path}: the status {status} is not documented"
    contents, media = answer.get("content", {}), content_type.partition(";")[0]
    if not body or 300 <= status < 400:
        return
    assert media in {one.partition(";")[0] for one in contents}, f"{method} {path} {status}: {media} is not documented"
    schema = contents.get(JSON, {}).get("schema") if media == JSON else None
    if schema:
        found = Draft202012Validator({**schema, "components": _http()["components"]}).iter_errors(json.loads(body))
        faults = [f"{'.'.join(map(str, one.absolute_path))}: {one.message[:160]}" for one in found]
        assert not faults, f"{method} {path} {status}: not of the form that docs/openapi.yaml tells: {faults}"


@functools.cache
def _http() -> dict[str, Any]:
    return openapi.document(application.routes(), "0", "session")


def _operation(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation of a request; ``None`` if there is no such route."""
    found = next((methods for pattern, methods in _patterns() if pattern.fullmatch(path)), {})
    return found.get("get" if method == "HEAD" else method.lower())


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Return the paths of the document, in its order, as patterns with their operations."""
    paths: dict[str, dict[str, Any]] = _http()["paths"]
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), methods) for path, methods in paths.items()]
