"""MQTT topics of the console; they are built and parsed here only."""

from __future__ import annotations

from pi_cam_node.base.frozen import frozen
from pi_cam_node.mqtt.messages.topics import STATE_KEYS

CONSOLES = "pi_cam_node_console"
ZIGBEE2MQTT_DEVICES = "zigbee2mqtt/bridge/devices"
# Components of Home Assistant that are shown as sensors.
SENSOR_COMPONENTS = ("binary_sensor", "event", "sensor")

# Subscriptions below each node, with QoS; `frame` only while there are viewers.
NODE_TOPICS = (
    ("availability", 1),
    ("camera/availability", 1),
    ("info", 1),
    ("state/#", 1),
    ("config/#", 1),
    ("telemetry", 0),
    ("event/+", 1),
    ("media/last", 1),
    ("media/event", 1),
    ("media/thumbnail", 1),
    ("reply/+", 1),
)


@frozen
class ConsoleTopics:
    """The topics of one console.

    Attributes:
        base: ``mqtt.base_topic`` of the nodes.
        console_id: ``console.id``.
        discovery_prefix: Home Assistant's discovery prefix.
        nodes: Ids of the nodes to listen to; empty: every node.
    """

    base: str
    console_id: str
    discovery_prefix: str
    nodes: frozenset[str] = frozenset()

    @property
    def availability(self) -> str:
        """``online`` or ``offline``, retained; also the last will."""
        return f"{CONSOLES}/{self.console_id}/availability"

    @property
    def replies(self) -> str:
        """Response topic of the console's commands (MQTT 5)."""
        return f"replies/console/{self.console_id}"

    def subscriptions(self) -> list[tuple[str, int]]:
        """Return the topic filters to subscribe to, with QoS."""
        discovery = [(f"{self.discovery_prefix}/{kind}/#", 1) for kind in SENSOR_COMPONENTS]
        return [
            *((f"{self.base}/+/{rest}", qos) for rest, qos in NODE_TOPICS),
            (self.replies, 1),
            (f"{CONSOLES}/+/availability", 1),
            *discovery,
            (f"{self.discovery_prefix}/device/+/config", 1),
            (ZIGBEE2MQTT_DEVICES, 1),
        ]

    def of_node(self, topic: str) -> tuple[str, str] | None:
        """Return the node's id and the rest of one of its topics, e.g. ``("porch", "state/motion")``.

        ``None`` for other topics, and for those of a node that is not listened to.
        """
        prefix = f"{self.base}/"
        if not topic.startswith(prefix):
            return None
        node, _, rest = topic.removeprefix(prefix).partition("/")
        is_node = node and rest and node not in {"all", "group"} and self.listens_to(node)
        return (node, rest) if is_node else None

    def listens_to(self, node: str) -> bool:
        """Tell whether a node may be shown: without a list any client of the broker can make up nodes."""
        return not self.nodes or node in self.nodes

    def retained_of(self, node: str) -> list[tuple[str, int]]:
        """Return the retained topics of a node whose names are fixed, with QoS."""
        fixed = [(rest, qos) for rest, qos in NODE_TOPICS if not rest.endswith(("+", "#")) and rest != "telemetry"]
        return [
            (f"{self.base}/{node}/{rest}", qos) for rest, qos in (*fixed, *((f"state/{key}", 1) for key in STATE_KEYS))
        ]

    def command(self, node: str, verb: str) -> str:
        """Return the topic of a command of a node."""
        return f"{self.base}/{node}/cmd/{verb}"

    def frame(self, node: str) -> str:
        """Return the topic of a node's live picture."""
        return f"{self.base}/{node}/frame"

    def other_console(self, topic: str) -> str | None:
        """Return the console id in the availability topic of another console; ``None`` for other topics."""
        parts = topic.split("/")
        is_one = len(parts) == 3 and parts[0] == CONSOLES and parts[2] == "availability"
        return parts[1] if is_one and parts[1] != self.console_id else None
