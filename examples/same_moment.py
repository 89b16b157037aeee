"""Lets all nodes save the picture of the same time, two seconds ago: python examples/same_moment.py [port]."""

import json
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

MOMENT = datetime.now(UTC) - timedelta(seconds=2)


def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
    """Print the reply of each node."""
    print(*map(json.loads(message.payload).get, ("node", "stage", "message")), flush=True)


client = Client(CallbackAPIVersion.VERSION2)
client.on_message = on_message
client.connect("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 1883)
client.subscribe("pi_cam_node/+/reply/pastStack", qos=1)
client.publish("pi_cam_node/all/cmd/pastStack", json.dumps({"at": MOMENT.isoformat(), "count": 1}), qos=1)
with suppress(KeyboardInterrupt):
    client.loop_forever()
