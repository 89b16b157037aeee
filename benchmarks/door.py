"""Measures the delay from a door sensor's message to the push at the push service, with other sensors as load.

Uses a real broker, node and console; each opening of the door requests the node's picture of one second before.
``python -m benchmarks.door [--openings 50] [--sensors 10] [--hz 50]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles

from cryptography.hazmat.primitives.asymmetric import ec

from pi_cam_node.console.message_dispatcher import CATCH_UP_S
from pi_cam_node.console.push.encryption import encoded, public_bytes
from tests.support.broker import Client, Mosquitto, free_port
from tests.support.running_console import OWNER, Browser, RunningConsole
from tests.support.running_node import RunningNode
from tests.support.web_push import PushService, decrypt

LINES = ("set_tcp_nodelay true", "max_queued_messages 0")
AUTH = b"0123456789abcdef"
PATIENCE_S = 60.0
# Pause between openings, as a device gets at most ten pushes per minute.
PAUSE_S = 6.5


def announce(client: Client, key: str, topic: str) -> None:
    """Announce a sensor as zigbee2mqtt does."""
    template = "{{ value_json.contact }}"
    told = {"state_topic": topic, "value_template": template, "payload_on": False, "payload_off": True}
    told |= {"device_class": "door", "object_id": key, "unique_id": key, "device": {"name": key}}
    client.publish(f"homeassistant/binary_sensor/{key}/contact/config", json.dumps(told), retain=True)


def chatter(port: int, sensors: int, hz: float, stopped: Event) -> None:
    """Publish changes of all sensors at a rate, in a separate process."""
    with Client(port) as client:
        number, next_s = 0, time.monotonic()
        while not stopped.wait(max(0.0, next_s - time.monotonic())):
            number, next_s = number + 1, next_s + 1 / hz
            for one in range(sensors):
                body = json.dumps({"contact": number % 2 == 0, "linkquality": number % 200})
                client.publish(f"zigbee2mqtt/other{one}", body, qos=0)


async def openings(client: Client, browser: Browser, service: PushService, count: int) -> tuple[list[float], int]:
    """Return the delay of each opening in seconds, and the number of pushes that contained their picture."""
    phone = ec.generate_private_key(ec.SECP256R1())
    keys = {"p256dh": encoded(public_bytes(phone)), "auth": encoded(AUTH)}
    endpoint = f"http://127.0.0.1:{service.port}/wpush/phone"
    status, said = await browser.post_json("/api/push/subscribe", {"endpoint": endpoint, "keys": keys, "label": "P"})
    assert status == 201, said
    await browser.until("/api/nodes", lambda body: body["nodes"] and body["nodes"][0]["camera"], "the camera")
    await asyncio.sleep(CATCH_UP_S)
    taken_s, pictures = [], 0
    for _ in range(count):
        before = len(service.sent)
        client.publish("zigbee2mqtt/front door", '{"contact": true}', qos=0)
        began_s = time.monotonic()
        client.publish("zigbee2mqtt/front door", '{"contact": false}', qos=0)
        async with asyncio.timeout(PATIENCE_S):
            while len(service.sent) == before:  # noqa: ASYNC110 - the service is a list in this process
                await asyncio.sleep(0.002)
        taken_s.append(time.monotonic() - began_s)
        pictures += "image" in json.loads(decrypt(service.sent[before][1], phone, AUTH))["notification"]
        await asyncio.sleep(PAUSE_S)
    return taken_s, pictures


def measure(folder: Path, count: int, sensors: int, hz: float) -> tuple[list[float], int]:
    """Run broker, push service and console, and return the result of `openings`."""
    service = PushService()
    rule = {
        "name": "Front door",
        "when": {"sensor": "front_door", "becomes": "open"},
        "do": [{"past": "porch", "at": 1}, {"push": [OWNER], "text": "The door is open"}],
        "again_after": 1,
    }
    hosts = {"PI_CAM_NODE_CONSOLE_PUSH_HOSTS": f"127.0.0.1:{service.port}"}
    served = {"enable": True, "port": free_port()}

    async def visit(browser: Browser) -> tuple[list[float], int]:
        runner = await service.start()
        try:
            return await openings(client, browser, service, count)
        finally:
            await runner.cleanup()

    (folder / "broker").mkdir()
    (folder / "node").mkdir()
    stopped = multiprocessing.Event()
    with Mosquitto(folder / "broker", LINES) as broker, broker.client() as client:
        announce(client, "front_door", "zigbee2mqtt/front door")
        for one in range(sensors):
            announce(client, f"other{one}", f"zigbee2mqtt/other{one}")
        with (
            RunningNode(folder / "node", broker.port, mjpeg_server=served),
            RunningConsole(folder / "console", broker.port, hosts, rules=[rule]) as console,
        ):
            beside = multiprocessing.Process(target=chatter, args=(broker.port, sensors, hz, stopped))
            beside.start()
            try:
                return console.visit(visit)
            finally:
                stopped.set()
                beside.join(10)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--openings", type=int, default=50, help="how often the door opens (default: %(default)s)")
    parser.add_argument("--sensors", type=int, default=10, help="others that change meanwhile (default: %(default)s)")
    parser.add_argument("--hz", type=float, default=50.0, help="how often each of them changes (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        taken_s, pictures = measure(Path(folder), options.openings, options.sensors, options.hz)
    p99_s = quantiles(taken_s, n=100, method="inclusive")[98]
    sys.stdout.write(
        f"door to push, {len(taken_s)} openings beside {options.sensors} sensors at {options.hz:g} Hz: "
        f"median {1000 * median(taken_s):.0f} ms, p99 {1000 * p99_s:.0f}, most {1000 * max(taken_s):.0f}; "
        f"{pictures} had their picture at once\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
