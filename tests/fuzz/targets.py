"""Fuzzing targets: one function for each parser of external bytes.

What a function lets out is a finding. What the product may answer with is caught where its documentation says that it
may be raised; that nothing was logged with a traceback is for `checked` to see. `scripts/fuzz` throws millions of
inputs at them, the suite those of `corpus/` and some more.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pi_cam_node.base.errors import CODES, ConfigError, NotSaved
from pi_cam_node.camera.worker.child_log import ChildLog
from pi_cam_node.config.catalogue import NODE_SCHEMA
from pi_cam_node.config.layers import Layer, from_environment
from pi_cam_node.config.loader import decode, parse
from pi_cam_node.config.merge import MergedLayers
from pi_cam_node.config.settings import with_value
from pi_cam_node.config.writer import rewritten
from pi_cam_node.core.events import Replied
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.sidecar import clock_was_set, is_kept
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.thumbnails import thumbnail
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.incoming import Incoming, parse_message
from pi_cam_node.mqtt.messages.topics import topics_of
from pi_cam_node.storage.pictures.exif import with_exif
from pi_cam_node.storage.pictures.sidecar import read_sidecar
from pi_cam_node.web.media.thumbnails import Thumbnails
from tests.fuzz.camera_harness import CameraHarness
from tests.fuzz.command_harness import CommandHarness
from tests.fuzz.http_harness import HttpHarness
from tests.fuzz.mqtt_harness import Wire, take_notice
from tests.fuzz.tcp_harness import TcpHarness
from tests.support.frames import IMAGES
from tests.support.sample_node import config_of
from tests.support.tracebacks import Tracebacks

Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {}

PATH = Path("/etc/pi_cam_node/config.yaml")
TOPICS = topics_of(config_of())
PUBLISHER = EventMessages(TOPICS)


def target(function: Target) -> Target:
    """Declare a target."""
    TARGETS[function.__name__] = function
    return function


def checked(function: Target, data: bytes) -> None:
    """Run a target on one input; a traceback in the log is raised like any other."""
    tracebacks, root = Tracebacks(), logging.getLogger()
    root.addHandler(tracebacks)
    try:
        function(data)
    finally:
        root.removeHandler(tracebacks)
    for error in tracebacks.found:
        raise AssertionError(f"logged with a traceback: {error!r}") from error


# ------------------------------------------------------------ MQTT


@target
def command(data: bytes) -> None:
    """``<retained?><topic>\\0<reply topic>\\0<payload>``: nothing is raised, and each command gets one final reply."""
    topic, _, rest = data[1:].partition(b"\0")
    reply_to, _, payload = rest.partition(b"\0")
    incoming = Incoming(
        topic=topic.decode("utf-8", "replace"),
        payload=payload,
        retained=data[:1] == b"r",
        reply_to=reply_to.decode("utf-8", "replace") or None,
    )
    harness = CommandHarness.shared()
    arrival = parse_message(incoming, TOPICS, harness.world.clock.monotonic())
    if isinstance(arrival, CommandArrived):
        _judge(harness.ask(arrival))


def _judge(replies: list[Replied]) -> None:
    finals = [reply for reply in replies if reply.body["stage"] == "final"]
    assert len(finals) == 1, finals
    assert finals[0].body["code"] in CODES, finals
    assert finals[0].body["code"] != "internal", finals
    for message in PUBLISHER.messages(finals[0]):
        assert message.topic, message
        assert not set(message.topic) & set("+#\0"), message
        assert len(message.topic.encode()) <= 65_535, message
        json.loads(message.payload, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


@target
def notice(data: bytes) -> None:
    """What the node listens to beside commands, by its first byte: nothing is raised."""
    take_notice(data)


@target
def mqtt_wire(data: bytes) -> None:
    """Bytes of a broker, from after our CONNECT on: nothing is raised, and the session ends in words."""
    Wire(data).run()


# ------------------------------------------------------------ settings


@target
def settings_file(data: bytes) -> None:
    """The content of a configuration file: `ConfigError` with every fault, or settings that can be written back."""
    config = None
    with suppress(ConfigError):
        config = parse(decode(data, PATH), PATH)
    if config is None:
        return
    with suppress(NotSaved):
        changed = with_value(config, "night.gain", "7.25")
        again = rewritten(data, PATH, changed)
        assert parse(decode(again, PATH), PATH).night.gain == 7.25


@target
def environment(data: bytes) -> None:
    """``NAME=value`` in lines, without the prefix: `ConfigError`, or settings."""
    pairs = (line.partition("=") for line in data.decode("utf-8", "surrogateescape").split("\n"))
    environ = {f"{NODE_SCHEMA.environment_prefix}{name}": value for name, _, value in pairs if "\0" not in name + value}
    with suppress(ConfigError):
        MergedLayers(Layer(), from_environment(environ), PATH.parent, NODE_SCHEMA).validate()


# ------------------------------------------------------------ HTTP and TCP


@target
def http(data: bytes) -> None:
    """What a client sends on one connection (first byte: with or without a token): each answer is HTTP and no 500."""
    HttpHarness.shared(has_token=data[:1] == b"t").talk(data[1:])


@target
def tcp_line(data: bytes) -> None:
    """What a client sends to the text port, cut where a ``\\0`` stands: one line of reply, or frames and one."""
    TcpHarness.shared().talk(data)


# ------------------------------------------------------------ the camera and the disk


@target
def camera_child(data: bytes) -> None:
    """Datagrams of the camera's process, in lines; a first byte says which memory comes along: the node is well."""
    CameraHarness(data).run()


@target
def child_output(data: bytes) -> None:
    """What the camera's process prints: it becomes records of the log, of a bounded length."""
    log = ChildLog()
    for at in range(0, len(data), 700):
        log.feed(data[at : at + 700], at / 100)
    assert len(log.hint(len(data) / 100)) <= 500


@target
def picture(data: bytes) -> None:
    """A JPEG: `ValueError`, or a picture, its thumbnail and itself with EXIF."""
    with suppress(ValueError):
        pixels = jpeg.decode(data)
        assert pixels.ndim == 3
    with suppress(ValueError):
        assert len(thumbnail(data, 64, 48 << 10)) <= 48 << 10
    with suppress(ValueError):
        with_exif(data, b"Exif\0\0MM\0*\0\0\0\x08\0\0")


@target
def stored_file(data: bytes) -> None:
    """A file in the folder of the pictures, of the type that its first byte says: a thumbnail, or `ValueError`."""
    suffix = {b"j": ".jpg", b"p": ".png", b"n": ".npy"}.get(data[:1], ".json")
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(data[1:])
        file.flush()
        if suffix == ".json":
            facts = read_sidecar(Path(file.name))
            assert {clock_was_set(facts), is_kept(facts)} <= {True, False}
            return
        with suppress(ValueError):
            Thumbnails(IMAGES).of(file.name, "etag", 64)
