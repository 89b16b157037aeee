"""Broker and node that ``call`` and ``doctor`` talk to: from options, the configuration file, or the environment."""

from __future__ import annotations

import argparse
from pathlib import Path

from pi_cam_node.base.frozen import frozen
from pi_cam_node.cli.main import BAD_USE
from pi_cam_node.cli.options import environment_of
from pi_cam_node.config import Config, loader
from pi_cam_node.mqtt.blocking_client import BlockingClient
from pi_cam_node.mqtt.messages.topics import Topics

NO_ANSWER = 3


@frozen
class Target:
    """The broker and the node to send to.

    Attributes:
        config: The settings of broker and topics.
        node_id: The id of the node; empty for the only one that the broker knows.
    """

    config: Config
    node_id: str


class NoSingleNode(LookupError):
    """No node was named, and the broker knows none or more than one.

    Attributes:
        code: The exit code.
    """

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


def target_of(options: argparse.Namespace) -> Target:
    """Return broker and node from the options, else the configuration file, else the environment.

    Raises:
        ConfigError: A setting is wrong.
    """
    config = loader.load(options.config, environment_of(options)).config
    return Target(config, named_node(config, options.config))


def named_node(config: Config, file: Path | None) -> str:
    """Return the node id of options, file or environment; the default, the host name, counts only with a file."""
    return config.node.id if file is not None or "id" in config.node.model_fields_set else ""


def topics_to(config: Config, node_id: str) -> Topics:
    """Return the topics of a node on the broker of these settings."""
    discovery = config.homeassistant
    return Topics(config.mqtt.base_topic, node_id, (), discovery.discovery_prefix, discovery.birth_topic)


def topics_of(target: Target, connection: BlockingClient) -> Topics:
    """Return the topics of the node to send to.

    Raises:
        NoSingleNode: No node was named, and the broker does not know exactly one.
        NoBroker: The connection broke.
    """
    base = target.config.mqtt.base_topic
    return topics_to(target.config, target.node_id or only_node(find_nodes(connection, base), base))


def only_node(nodes: dict[str, bool], base: str) -> str:
    """Return the only node that is online, else the only one; see `find_nodes`.

    Raises:
        NoSingleNode: There is none, or more than one.
    """
    online = [node_id for node_id, is_online in nodes.items() if is_online]
    candidates = online or list(nodes)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise NoSingleNode(f"the broker knows no node below {base}/; is one running?", NO_ANSWER)
    raise NoSingleNode(f"which node? --node {' or --node '.join(candidates)}", BAD_USE)


def find_nodes(connection: BlockingClient, base: str) -> dict[str, bool]:
    """Return the ids of the nodes below a base topic, and whether each is online.

    Raises:
        NoBroker: The connection broke.
    """
    texts = connection.retained([f"{base}/+/info", f"{base}/+/availability"])
    ids = {topic.split("/")[-2] for topic in texts if topic.endswith("/info")}
    return {node_id: texts.get(f"{base}/{node_id}/availability") == "online" for node_id in sorted(ids)}
