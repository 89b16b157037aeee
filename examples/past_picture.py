"""Lets the demo's node save the picture of two seconds ago, prints the path: python examples/past_picture.py [port]."""

import json
import sys
import uuid

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def on_message(client: Client, _userdata: object, message: MQTTMessage) -> None:
    """Wait for the final reply to this request, ignoring replies to other clients."""
    reply = json.loads(message.payload)
    if reply["id"] == REQUEST["id"] and reply["stage"] == "final":
        print(reply["data"]["path"] if reply["ok"] else reply["message"])
        client.disconnect()


REQUEST = {"id": uuid.uuid4().hex, "at": 2, "formats": ["jpg"]}
client = Client(CallbackAPIVersion.VERSION2)
client.on_message = on_message
client.connect("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 1883)
client.subscribe("pi_cam_node/demo/reply/pastStack", qos=1)
client.publish("pi_cam_node/demo/cmd/pastStack", json.dumps(REQUEST), qos=1)
client.loop_forever()
