"""Writes each picture that the demo's node saves to ./last.jpg, over MQTT: python examples/last_picture.py [port]."""

import sys
from contextlib import suppress
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
    """Write a picture; an empty message means that it was removed."""
    if message.payload:
        Path("last.jpg").write_bytes(message.payload)
        print("last.jpg:", len(message.payload), "bytes", flush=True)


client = Client(CallbackAPIVersion.VERSION2)
client.on_message = on_message
client.connect("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 1883)
client.subscribe("pi_cam_node/demo/media/last/image", qos=1)
with suppress(KeyboardInterrupt):
    client.loop_forever()
