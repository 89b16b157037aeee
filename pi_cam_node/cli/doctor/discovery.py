"""Whether Home Assistant can find the node."""

from __future__ import annotations

from collections.abc import Iterator

from pi_cam_node.cli.doctor.finding import Finding, ok, skipped, warning
from pi_cam_node.cli.doctor.node import Seen
from pi_cam_node.config import HomeAssistantConfig
from pi_cam_node.mqtt.topics import Topics

DISCOVERY, HOME = "discovery", "Home Assistant"


def check(config: HomeAssistantConfig, topics: Topics, seen: Seen) -> Iterator[Finding]:
    """Look for the discovery message, and for a sign of life."""
    if not config.enable:
        yield ok(DISCOVERY, "homeassistant.enable is off")
        return
    yield _discovery(topics, seen)
    yield _home(topics.birth_topic, seen.retained.get(topics.birth_topic))


def _discovery(topics: Topics, seen: Seen) -> Finding:
    topic = topics.own_discovery
    if topic in seen.retained:
        return ok(DISCOVERY, f"the broker holds {topic}")
    if seen.online:
        return warning(
            DISCOVERY,
            f"the node runs, but this login does not see {topic}: it was not written, or may not be read",
            f"let the node's login write and read it, in mosquitto: `topic readwrite {topic}`",
        )
    return skipped(DISCOVERY, f"the node sends {topic} when it runs")


def _home(topic: str, status: str | None) -> Finding:
    if status == "online":
        return ok(HOME, f"{topic} says online")
    if status is None:
        return skipped(HOME, f"nothing is retained on {topic}, as is usual: it cannot be told whether it is there")
    return warning(HOME, f"{topic} says {status}", "start Home Assistant, or its MQTT integration")
