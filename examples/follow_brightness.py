"""Prints brightness and mode (day, night) of the demo's node: python examples/follow_brightness.py [port].

States are retained plain values: they arrive at once, and need no parsing.
"""

import sys
from contextlib import suppress

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
    """Print the last part of the topic, and the value."""
    print(message.topic.rpartition("/")[2], message.payload.decode(), flush=True)


client = Client(CallbackAPIVersion.VERSION2)
client.on_message = on_message
client.connect("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 1883)
client.subscribe([(f"pi_cam_node/demo/state/{key}", 1) for key in ("brightness", "lux", "mode")])
with suppress(KeyboardInterrupt):
    client.loop_forever()
