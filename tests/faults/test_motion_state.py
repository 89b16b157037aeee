"""Retained state of motion after the node was killed: no stale ON, and no removed zone."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.bars import bar
from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = pytest.mark.faults

WAIT_S = 60.0
EXPIRES_S = 120
# The broker's will waits 10 s; a start takes about one.
AWAY_S, OFF_S = 15.0, 3.0
WHOLE = "0,0 1,0 1,1 0,1"


def retained(port: int) -> dict[str, tuple[bytes, int | None]]:
    """Return the retained messages on the topics of motion: payload, and seconds until it expires."""
    found: dict[str, tuple[bytes, int | None]] = {}
    done = threading.Event()

    def on_message(client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        if message.topic == "end":
            done.set()
        elif message.retain:
            expires_s = getattr(message.properties, "MessageExpiryInterval", None)
            found[message.topic] = (bytes(message.payload), expires_s)

    def on_connect(client: paho.Client, *_more: object) -> None:
        client.subscribe([(f"{BASE}/state/motion/#", 1), ("end", 1)])

    def on_subscribe(client: paho.Client, *_more: object) -> None:
        client.publish("end", b"x", qos=1)  # comes after what is retained

    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_message, client.on_connect, client.on_subscribe = on_message, on_connect, on_subscribe
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert done.wait(WAIT_S)
    finally:
        client.disconnect()
        client.loop_stop()
    return found


@pytest.mark.short
@pytest.mark.promise("M25")
def test_a_node_that_is_killed_leaves_no_on_and_no_zone_that_is_gone(
    broker: Mosquitto, tmp_path: Path, full: bool, figure: Callable[[str], None]
) -> None:
    motion: dict[str, Any] = {"enable": True, "zones": [f"door={WHOLE}"]}
    with RunningNode(tmp_path, broker.port, motion=motion) as node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(WAIT_S)
        wait_until(lambda: commands.state("motion/door") == "ON", "motion", WAIT_S)
        killed_s = time.monotonic()
        node.process.send_signal(signal.SIGKILL)
        node.process.wait(10)
        wait_until(lambda: client.latest(f"{BASE}/availability") == b"offline", "offline", WAIT_S)
        away_s = time.monotonic() - killed_s
    left = retained(broker.port)
    for topic in (f"{BASE}/state/motion", f"{BASE}/state/motion/door"):
        payload, expires_s = left[topic]
        assert payload == b"ON"
        assert expires_s is not None
        assert 0 < expires_s <= EXPIRES_S, "the broker drops it by itself"
    if full:
        time.sleep(EXPIRES_S + 5)
        assert retained(broker.port) == {}
    quiet: dict[str, Any] = {"enable": False, "zones": []}
    with RunningNode(tmp_path, broker.port, motion=quiet), broker.client() as client:
        started_s = time.monotonic()
        client.subscribe(f"{BASE}/state/motion")
        wait_until(lambda: client.latest(f"{BASE}/state/motion") == b"OFF", "motion that is off", WAIT_S)
        off_s = time.monotonic() - started_s
        told = {f"{BASE}/state/motion": (b"OFF", None)}
        wait_until(lambda: retained(broker.port) == told, "motion that is off, and no zone", WAIT_S)
    assert away_s <= bar(AWAY_S)
    assert off_s <= bar(OFF_S)
    gone = f"no ON for who subscribes {EXPIRES_S} s later, " if full else ""
    figure(
        f"killed while ON: offline after {away_s:.1f} s (at most {bar(AWAY_S):g}), {gone}OFF {off_s:.1f} s after the "
        f"next start (at most {bar(OFF_S):g})"
    )
