"""Writes each picture that the demo's node saves to ./last.jpg, over MQTT: python examples/last_picture.py [port]."""

import sys
from contextlib import suppress
from pathlib import Path

from paho.mqtt import subscribe
from paho.mqtt.client import Client, MQTTMessage


def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
    """Write a picture; an empty message means that it was removed."""
    if message.payload:
        Path("last.jpg").write_bytes(message.payload)
        print("last.jpg:", len(message.payload), "bytes", flush=True)


PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 1883
TOPIC = "pi_cam_node/demo/media/last/image"
with suppress(KeyboardInterrupt):  # subscribes again at each connection: a broker that restarts has forgotten it
    subscribe.callback(on_message, TOPIC, qos=1, port=PORT)  # type: ignore[no-untyped-call]
