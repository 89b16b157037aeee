"""MQTT client of the soak test, connected directly to the broker, without the faults of the node's link."""

from __future__ import annotations

import json
import threading
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.soak.records import Records
from benchmarks.soak.rig import ROOT

UNANSWERED_S = 60.0
AVAILABILITY = (f"{ROOT}/availability", f"{ROOT}/camera/availability")


class MqttProbe:
    """Publishes commands and records replies, availability and telemetry.

    Args:
        port: Port of the broker.
        records: Receives all records.
    """

    def __init__(self, port: int, records: Records) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._asked: dict[str, tuple[float, str]] = {}
        self._count = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port, keepalive=10)
        self._client.loop_start()

    def ask(self, verb: str, body: str | dict[str, Any]) -> None:
        """Send a command if connected; record earlier commands without a reply.

        Args:
            verb: Verb of the command.
            body: Its arguments; a text is sent unchanged, and no reply to it is expected.
        """
        self._give_up()
        if not self._client.is_connected():
            return
        if isinstance(body, dict):
            with self._lock:
                self._count += 1
                name = f"soak-{self._count}"
                self._asked[name] = (self._records.now_s, verb)
            body = json.dumps({"id": name, **body})
        self._client.publish(f"{ROOT}/cmd/{verb}", body, qos=0)

    def close(self) -> None:
        """Close the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    def _give_up(self) -> None:
        now_s = self._records.now_s
        with self._lock:
            late = {name: asked for name, asked in self._asked.items() if now_s - asked[0] > UNANSWERED_S}
            for name in late:
                del self._asked[name]
        for asked_s, verb in late.values():
            self._records.add("unanswered", asked=round(asked_s, 3), verb=verb)

    def _subscribe(self, client: paho.Client, *_more: Any) -> None:
        self._records.add("mqtt", connected=True)
        client.subscribe([(topic, 1) for topic in (*AVAILABILITY, f"{ROOT}/reply/+", f"{ROOT}/telemetry")])

    def _hear(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        """Record a message, which a corrupting link may have changed."""
        if message.topic in AVAILABILITY:
            self._records.add("availability", topic=message.topic, value=message.payload.decode(errors="replace"))
            return
        try:
            body = json.loads(message.payload)
        except ValueError:
            self._records.add("garbled", topic=message.topic)
            return
        if message.topic.endswith("/telemetry"):
            self._records.add("telemetry", figures=body)
        elif isinstance(body, dict) and body.get("stage") == "final":
            self._answered(body)

    def _answered(self, reply: dict[str, Any]) -> None:
        with self._lock:
            asked = self._asked.pop(str(reply.get("id")), None)
        if asked is not None:
            self._records.add("answer", asked=round(asked[0], 3), verb=asked[1], code=reply.get("code"))
