"""MQTT client that sends commands and measures the time to the replies."""

from __future__ import annotations

import json
import queue
import socket
import time
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions


def no_delay(_client: paho.Client, _userdata: Any, sock: Any) -> None:
    """Disable Nagle's algorithm, whose delay would be measured otherwise."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def quick_ack(client: paho.Client, *_more: Any) -> None:
    """Disable delayed TCP acknowledgements for the same reason; after each packet, as the kernel resets it."""
    sock = client.socket()
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class CommandClient:
    """Sends a payload to a topic and waits for the reply with the same id."""

    def __init__(self, port: int, *filters: str) -> None:
        """Connect and subscribe; messages whose topic contains ``/reply`` are replies."""
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_socket_open = no_delay
        self._client.on_message = lambda _c, _u, m: self._heard.put((m.topic, bytes(m.payload)))
        self._client.on_publish = quick_ack
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([(topic, SubscribeOptions(1)) for topic in filters])
        self._client.loop_start()

    def ask(self, topic: str, body: dict[str, object], timeout_s: float = 20.0) -> tuple[float, dict[str, Any]]:
        """Return milliseconds until the final reply, and the reply."""
        name = f"{time.monotonic_ns()}"
        start_s = time.perf_counter()
        self._client.publish(topic, json.dumps({"id": name, **body}), qos=1)
        while True:
            left_s = timeout_s - (time.perf_counter() - start_s)
            topic, payload = self._heard.get(timeout=max(0.01, left_s))
            reply = json.loads(payload) if "/reply" in topic else {}
            if reply.get("id") == name and reply.get("stage", "final") == "final":
                return (time.perf_counter() - start_s) * 1000, reply

    def wait_for(self, topic: str, timeout_s: float) -> bytes:
        """Return the next payload on a subscribed topic."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            got, payload = self._heard.get(timeout=max(0.01, deadline_s - time.monotonic()))
            if got == topic and payload:
                return payload

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Disconnect."""
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()
