"""The order of the checks, and what each needs of those before it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.time_sync import clock_is_set
from pi_cam_node.camera import catalogue
from pi_cam_node.cli.doctor import acl, broker_checks, camera, clock, configuration, machine_checks, memory, node
from pi_cam_node.cli.doctor import discovery as home
from pi_cam_node.cli.doctor.finding import Finding, failed, skipped
from pi_cam_node.cli.doctor.node import Seen
from pi_cam_node.config import Config, loader
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.mqtt.blocking_client import NoBroker
from pi_cam_node.mqtt.topics import Topics, topics_of
from pi_cam_node.runtime.last_good_config import state_files
from pi_cam_node.runtime.startup import doubt_of_privacy, remembered
from pi_cam_node.system.identity import available_bytes

_BEHIND_THE_BROKER = (acl.CHECK, node.CHECK, home.DISCOVERY)


def examine(file: Path | None) -> Iterator[Finding]:
    """Look at everything that a node with this configuration file would need."""
    loaded = _load(file)
    yield from configuration.check(loaded)
    yield clock.check(clock_is_set)
    if isinstance(loaded, ConfigError):
        yield skipped("everything else", "the configuration must be right first")
        return
    private = state_files(loaded.path, os.environ).private
    config = remembered(loaded, private).config
    yield memory.check(config, available_bytes())
    yield machine_checks.check(config)
    topics = topics_of(config)
    seen = yield from _broker(config, topics)
    if seen is not None and seen.online:
        yield camera.from_node(topics, seen)
    else:
        yield camera.check(config, doubt_of_privacy(loaded, private))


def _load(file: Path | None) -> LoadedConfig | ConfigError:
    try:
        loaded = loader.load(file, os.environ)
        catalogue.check(loaded.config.camera.source)
    except ConfigError as error:
        return error
    return loaded


def _broker(config: Config, topics: Topics) -> Generator[Finding, None, Seen | None]:
    """Look at the broker and what is behind it; return what it knows of the node, where it was reached."""
    reached = broker_checks.reach(config.mqtt)
    yield reached
    if reached.state == "failed":
        yield from (skipped(check, "needs the broker") for check in _BEHIND_THE_BROKER)
        return None
    connection = yield from broker_checks.enter(config.mqtt)
    if connection is None:
        yield from (skipped(check, "needs a login") for check in _BEHIND_THE_BROKER)
        return None
    try:
        with connection:
            yield acl.check(connection, topics)
            seen = yield from node.check(connection, topics)
            yield from home.check(config.homeassistant, topics, seen)
            return seen
    except (NoBroker, PermissionError) as error:
        yield failed(broker_checks.BROKER, str(error), "the broker's log says more")
        return None
