"""Whether the broker's ACL lets the node's login write and read below its own topic.

A broker may take a forbidden message and say nothing: over MQTT 3.1.1 it always does. So a canary is sent, and has to
come back.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pi_cam_node.cli.doctor.finding import Finding, failed, ok
from pi_cam_node.mqtt.blocking_client import BlockingClient, Received
from pi_cam_node.mqtt.topics import Topics

CHECK = "ACL"
BACK_S = 5.0


def check(connection: BlockingClient, topics: Topics) -> Finding:
    """Send a canary to where replies go, and wait for it.

    Raises:
        NoBroker: The connection broke.
    """
    topic, canary = topics.reply("doctor"), uuid.uuid4().hex
    advice = f"let this login read and write {topics.root}/#, in mosquitto: `topic readwrite {topics.root}/#`"
    if connection.subscribe([topic]):
        return failed(CHECK, f"the broker refuses to let us read {topic}", advice)
    refusal = connection.publish(topic, canary.encode())
    if refusal:
        return failed(CHECK, f"the broker refuses to let us write {topic}: {refusal}", advice)

    def came_back(heard: Sequence[Received]) -> bool | None:
        return True if any(message.text == canary for message in heard) else None

    if connection.wait_for(came_back, BACK_S) is None:
        return failed(CHECK, f"what is written to {topic} does not come back within {BACK_S:.0f} s", advice)
    return ok(CHECK, f"{topics.root}/# can be written and read")
