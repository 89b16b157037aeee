"""Reference for round trips: a paho-mqtt client that echoes messages."""

from __future__ import annotations

import sys
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.command_client import no_delay, quick_ack


def answer(client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
    """Reply to each message with its payload."""
    client.publish("echo/reply", bytes(message.payload), qos=1)


def main() -> None:
    """Echo until killed."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_socket_open = no_delay
    client.on_message = answer
    client.on_publish = quick_ack
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.subscribe("echo/ask", 1)
    client.publish("echo/ready", b"1", qos=1, retain=True)
    client.loop_forever()


if __name__ == "__main__":
    main()
