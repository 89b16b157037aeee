"""Removes all retained messages of a node, and verifies the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt.blocking_client import connect
from pi_cam_node.mqtt.messages.retained_state import RetainedState
from pi_cam_node.mqtt.messages.topics import Topics


@frozen
class Cleared:
    """Result of the removal of retained messages.

    Attributes:
        found: Topics that held a message of the node, as far as readable.
        left: Topics that still hold one.
        refused: Topics that the broker did not allow emptying.
    """

    found: int
    left: int
    refused: int


def retained(config: MqttConfig, topics: Topics, zones: Sequence[str] = ()) -> Mapping[str, str]:
    """Return the retained messages of a node, by topic; those of other clients on its command topics do not count.

    Args:
        config: The broker.
        topics: The node's.
        zones: Zones of motion that it had. Asked for by name, as every topic: some brokers, RabbitMQ among them, find
            no retained message by a pattern.

    Raises:
        NoBroker: There is no connection.
    """
    with connect(config, topics, "erase") as connection:
        held = connection.retained([f"{topics.root}/#", *_all_topics(topics, zones)])
    return {topic: text for topic, text in held.items() if not topics.is_command(topic)}


def clear_retained(
    config: MqttConfig, topics: Topics, keep: Topics | None = None, zones: Sequence[str] = ()
) -> Cleared:
    """Empty all topics of a node, including those that cannot be read.

    Takes a few seconds. The node must be stopped or not publish any more.

    Args:
        config: The broker.
        topics: The node's.
        keep: Topics of another node, which are not emptied.
        zones: See `retained`.

    Raises:
        NoBroker: There is no connection, or it broke.
    """
    found = _without(keep, retained(config, topics, zones))
    with connect(config, topics, "erase") as connection:
        wanted = _without(keep, dict.fromkeys((*found, *_all_topics(topics, zones))))
        refusals = [connection.publish(topic, b"", retain=True) for topic in wanted]
    left = _without(keep, retained(config, topics, zones))
    return Cleared(len(found), len(left), sum(map(bool, refusals)))


def _all_topics(topics: Topics, zones: Sequence[str]) -> tuple[str, ...]:
    """Return every topic that a node may hold, those of its settings with dots and with slashes."""
    slashed = copy(topics)
    slashed.has_dots = False
    in_zones = (topics.state(f"motion/{zone}") for zone in zones)
    return tuple(dict.fromkeys((*RetainedState(topics).topics, *RetainedState(slashed).topics, *in_zones)))


def _without(keep: Topics | None, found: Iterable[str]) -> list[str]:
    """Return the topics that do not belong to a node to keep."""
    if keep is None:
        return list(found)
    return [topic for topic in found if topic != keep.own_discovery and not topic.startswith(f"{keep.root}/")]
