"""The order of the checks, and what each needs of those before it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from pi_cam_node.base.clock import clock_is_set
from pi_cam_node.base.errors import ConfigError
from pi_cam_node.camera import catalogue
from pi_cam_node.cli.doctor import (
    broker_checks,
    camera_checks,
    event_checks,
    http_checks,
    machine_checks,
    node_checks,
    unit_checks,
    video_checks,
)
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, skipped
from pi_cam_node.cli.doctor.node_checks import NodeOnBroker
from pi_cam_node.cli.target import NoSingleNode, find_nodes, named_node, only_node, topics_to
from pi_cam_node.config import Config, loader
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.mqtt.blocking_client import BlockingClient, NoBroker
from pi_cam_node.mqtt.messages.topics import topics_of
from pi_cam_node.runtime import state_lock
from pi_cam_node.runtime.startup import doubt_of_privacy, remembered
from pi_cam_node.runtime.state_files import state_files
from pi_cam_node.system.memory import available_bytes

_NEED_BROKER = (broker_checks.ACL, node_checks.NODE, node_checks.DISCOVERY)


def examine(file: Path | None, environ: Mapping[str, str], *, is_named: bool, wait_s: float = 0.0) -> Iterator[Finding]:
    """Yield the findings on everything that a node with this configuration file and environment needs.

    Args:
        file: The configuration file.
        environ: The environment.
        is_named: The user named the file, so that its node is meant even where it has the default id.
        wait_s: How long a node that has just been started may take to come online; 0 where none is expected to run.
    """
    loaded = _load(file, environ)
    yield from machine_checks.check_configuration(loaded)
    yield machine_checks.check_clock(clock_is_set)
    if isinstance(loaded, ConfigError):
        yield skipped("everything else", "the configuration must be right first")
        return
    places = state_files(loaded.path, environ)
    private = places.private
    config = remembered(loaded, private).config
    yield machine_checks.check_memory(config, available_bytes())
    yield machine_checks.check_disk(config)
    yield event_checks.check_events(places.events)
    yield video_checks.check_video()
    if (unit := unit_checks.find_unit(loaded.path)) is not None:
        yield from unit_checks.check_unit(unit, config, loaded.path)
    yield from machine_checks.check_node_id(config)
    process = state_lock.holder_of(loaded.path, environ)
    node = yield from _examine_broker(config, named_node(config, file if is_named else None), wait_s, process)
    if node is None or node.topics.node_id == config.node.id:
        yield http_checks.check_http(config, is_running=None if node is None else node.online)
    if node is not None and node.online:
        yield node_checks.check_running_camera(node)
    else:
        yield camera_checks.check_camera(config, doubt_of_privacy(loaded, private))


def _load(file: Path | None, environ: Mapping[str, str]) -> LoadedConfig | ConfigError:
    try:
        loaded = loader.load(file, environ)
        catalogue.check(loaded.config.camera.source)
    except ConfigError as error:
        return error
    return loaded


def _examine_broker(
    config: Config, node_id: str, wait_s: float, process: str
) -> Generator[Finding, None, NodeOnBroker | None]:
    """Yield the findings on the broker and the node; return what it knows of the node, ``None`` if not reached.

    Args:
        config: The settings.
        node_id: The node that is meant; empty where neither file nor environment name one, see `_node_here`.
        wait_s: How long the node may take to come online.
        process: Id of the process that runs with these settings, empty where there is none.
    """
    reachable = broker_checks.check_reachable(config.mqtt)
    yield reachable
    if reachable.state == "failed":
        yield from (skipped(check, "needs the broker") for check in _NEED_BROKER)
        return None
    connection = yield from broker_checks.check_login(config.mqtt, topics_of(config))
    if connection is None:
        yield from (skipped(check, "needs a login") for check in _NEED_BROKER)
        return None
    try:
        with connection:
            topics = topics_to(config, node_id or _node_here(connection, config))
            if topics.node_id != config.node.id:
                yield ok(node_checks.NODE, f"looking at {topics.node_id}, the only node of this broker, as `call` does")
            yield broker_checks.check_acl(connection, topics)
            node = yield from node_checks.check_node(
                connection, topics, wait_s, process if topics.node_id == config.node.id else ""
            )
            yield from node_checks.check_discovery(config.homeassistant, node)
            return node
    except NoBroker as error:
        yield failed(broker_checks.BROKER, str(error), "the broker's log says more")
    except PermissionError as error:
        yield failed(broker_checks.ACL, str(error), broker_checks.RIGHTS)
    return None


def _node_here(connection: BlockingClient, config: Config) -> str:
    """Return the id of the node to look at where none is named.

    That is the id that a node has here by default; but the only node of a broker on this machine, a demo for instance,
    where the broker does not know that id.
    """
    if broker_checks.is_this_machine(config.mqtt.host):
        nodes = find_nodes(connection, config.mqtt.base_topic)
        if config.node.id not in nodes:
            with suppress(NoSingleNode):
                return only_node(nodes, config.mqtt.base_topic)
    return config.node.id
