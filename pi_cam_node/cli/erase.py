"""``pi-cam-node erase``: the command ``erase`` for a node that does not run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.cli.main import BAD_USE, FAILED, PROGRAM, load
from pi_cam_node.cli.options import file_path
from pi_cam_node.config import Config
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.mqtt.blocking_client import NoBroker
from pi_cam_node.mqtt.messages.topics import topics_of
from pi_cam_node.mqtt.retained_cleanup import retained
from pi_cam_node.runtime.erase import erase_all
from pi_cam_node.runtime.last_good_config import LastGood
from pi_cam_node.runtime.start_counter import StartCounter
from pi_cam_node.runtime.state_files import state_files
from pi_cam_node.runtime.state_lock import locked_state
from pi_cam_node.storage.events.schema import files_of


def main(arguments: Sequence[str]) -> int:
    """Erase what a node has stored; return 0 when nothing is left, 1 when something is, 2 without ``--yes``."""
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} erase",
        description="Delete every picture, the token, the stored state and the retained topics of a node that is "
        "stopped. The configuration file stays, and so does every file that it names.",
    )
    parser.add_argument("--config", type=file_path, metavar="FILE", help="the settings of the node")
    parser.add_argument("--yes", action="store_true", help="really do it; without this nothing is changed")
    options = parser.parse_args(arguments)
    loaded = load(options.config)
    if loaded is None:
        return BAD_USE
    config = loaded.config
    if not options.yes:
        where = f"{config.export.base_dir} and the topics of {config.node.id} at {config.mqtt.host}:{config.mqtt.port}"
        print(f"{PROGRAM}: nothing was erased; --yes erases {where}", file=sys.stderr)
        return BAD_USE
    if is_running(config):
        print(f"{PROGRAM}: the node runs; stop it first, or: {PROGRAM} call erase {config.node.id}", file=sys.stderr)
        return BAD_USE
    try:
        with locked_state(loaded.path, os.environ, wait_s=0):
            return _erase(loaded)
    except ConfigError:
        print(f"{PROGRAM}: the node runs on this machine; stop it first", file=sys.stderr)
        return BAD_USE


def _erase(loaded: LoadedConfig) -> int:
    """Erase, and print what was done; return the exit code."""
    config, places = loaded.config, state_files(loaded.path, os.environ)
    kept = [places.private, places.link_key, places.names, *(files_of(places.events) if places.events else [])]
    erased = erase_all(config, StartCounter(places.starts), LastGood(places.good), *kept)
    print(erased.text)
    for line in erased.trouble:
        print(f"{PROGRAM}: {line}", file=sys.stderr)
    return FAILED if erased.trouble or erased.topics_left else 0


def is_running(config: Config) -> bool:
    """Return whether the broker says that the node is online; ``False`` where no broker answers."""
    topics = topics_of(config)
    try:
        return retained(config.mqtt, topics).get(topics.availability) == "online"
    except NoBroker:
        return False
