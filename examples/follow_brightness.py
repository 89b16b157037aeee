"""Prints brightness and mode (day, night) of the demo's node: python examples/follow_brightness.py [port].

States are retained plain values: they arrive at once, and need no parsing.
"""

import sys
from contextlib import suppress

from paho.mqtt import subscribe
from paho.mqtt.client import Client, MQTTMessage


def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
    """Print the last part of the topic, and the value."""
    print(message.topic.rpartition("/")[2], message.payload.decode(), flush=True)


PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 1883
TOPICS = [f"pi_cam_node/demo/state/{key}" for key in ("brightness", "lux", "mode")]
with suppress(KeyboardInterrupt):  # subscribes again at each connection: a broker that restarts has forgotten it
    subscribe.callback(on_message, TOPICS, qos=1, port=PORT)  # type: ignore[no-untyped-call]
