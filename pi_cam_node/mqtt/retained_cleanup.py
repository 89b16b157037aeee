"""Takes away every retained message of a node, and looks afterwards whether any is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt.blocking_client import connect
from pi_cam_node.mqtt.retained_state import RetainedState
from pi_cam_node.mqtt.topics import Topics


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was taken away.

    Attributes:
        found: Topics that held something of ours, as far as the broker lets us see.
        left: Those that still do.
        refused: Topics that the broker did not let us empty.
    """

    found: int
    left: int
    refused: int


def retained(config: MqttConfig, topics: Topics) -> Mapping[str, str]:
    """Return what the broker holds of a node, by topic. What others put on its command topics is not the node's.

    Raises:
        NoBroker: There is no connection.
    """
    with connect(config, topics, "erase") as connection:
        held = connection.retained([f"{topics.root}/#", topics.own_discovery])
    return {topic: text for topic, text in held.items() if not topics.is_command(topic)}


def clear_retained(config: MqttConfig, topics: Topics) -> Cleared:
    """Empty every topic of a node: those that hold something, and those that might where we may not look.

    Takes a few seconds. The node must not publish any more, or be stopped.

    Raises:
        NoBroker: There is no connection, or it broke.
    """
    found = retained(config, topics)
    with connect(config, topics, "erase") as connection:
        wanted = dict.fromkeys((*found, *RetainedState(topics).topics))
        refusals = [connection.publish(topic, b"", retain=True) for topic in wanted]
    return Cleared(len(found), len(retained(config, topics)), sum(map(bool, refusals)))
