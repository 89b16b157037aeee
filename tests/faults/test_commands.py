"""Commands that are hostile, stale, repeated, retained, or slow."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.core.inbox import MESSAGES_WAITING
from tests.faults import fault_tools
from tests.faults.http_probe import pictures
from tests.support.bars import bar
from tests.support.broker import Client, Mosquitto, wait_until
from tests.support.proxy import Proxy
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = pytest.mark.faults

Figure = Callable[[str], None]

REPLY = f"{BASE}/reply/health"


def asked_health(client: Client, name: str) -> float:
    """Ask for health and return after how many seconds the final reply came."""
    began_s = time.monotonic()
    client.publish(f"{BASE}/cmd/health", json.dumps({"id": name}))
    client.wait_for(REPLY, lambda m: json.loads(m.payload)["id"] == name, 30)
    return time.monotonic() - began_s


@pytest.mark.promise("B3", "M10")
def test_no_message_on_any_topic_stops_the_node(broker: Mosquitto, tmp_path: Path, figure: Figure, long: bool) -> None:
    count, rng, cmdfuzz = (100_000 if long else 20_000), random.Random(4), fault_tools.load("cmdfuzz")
    names = [name for name in cmdfuzz.NAMES if name != "restart"]
    keys = [*cmdfuzz.KEYS, "camera.framerate", "export.formats", "night.gain", "mqtt.host"]
    sections: dict[str, Any] = {"logging": {"level": "INFO"}, "storage": {"max_bytes": 50 << 20}}
    with (
        RunningNode(tmp_path, broker.port, **sections) as node,
        broker.client() as attacker,
        broker.client() as listener,
        broker.client() as watcher,
    ):
        CommandClient(watcher).wait_online()
        watcher.__exit__(None, None, None)  # it would be in the way of those who follow
        listener.subscribe(REPLY)
        took_s = []
        for number in range(count):
            payload = rng.choice(cmdfuzz.NASTY)
            if payload and rng.random() < 0.3:
                flipped = bytearray(payload[:4000])
                flipped[rng.randrange(len(flipped))] = rng.randrange(256)
                payload = bytes(flipped)
            topic = f"set/{rng.choice(keys)}" if rng.random() < 0.5 else f"cmd/{rng.choice(names)}"
            attacker.publish(f"{BASE}/{topic}", payload, qos=0)
            if number % 200 == 199:  # paced by the answers: a broker drops what its client does not fetch
                took_s.append(asked_health(listener, str(number)))
        assert node.running
        assert "Traceback" not in node.log()
        assert node.log().count("connected to") == 1, "not even the connection was lost"
    took_s.sort()
    figure(
        f"{count} hostile commands: 0 tracebacks, 0 sessions lost, `health` answered after "
        f"{took_s[len(took_s) // 2] * 1000:.0f} ms (median), {took_s[-1]:.2f} s at the latest (at most 1)"
    )
    assert took_s[-1] <= bar(1)


@pytest.mark.promise("B3")
def test_of_a_flood_each_command_is_answered_or_counted(
    broker: Mosquitto, tmp_path: Path, figure: Figure, long: bool
) -> None:
    count = 50_000 if long else 8_000
    with RunningNode(tmp_path, broker.port) as node, broker.client() as flood, broker.client() as client:
        CommandClient(client).wait_online()
        client.clear()
        for number in range(count):
            flood.publish(f"{BASE}/cmd/get", json.dumps({"id": str(number), "key": "nothing"}), qos=0)

        def refused() -> int:
            told = re.findall(r"too much to do: (\d+) messages", node.log())
            return sum(map(int, told))

        def answered() -> int:
            return len(client.on(f"{BASE}/reply/get"))

        wait_until(lambda: answered() + refused() == count, "each command to be answered or counted", 60)
        assert asked_health(client, "after") < bar(1)
        assert answered() >= min(count, MESSAGES_WAITING)
        assert len({json.loads(m.payload)["id"] for m in client.on(f"{BASE}/reply/get")}) == answered()
    figure(f"{count} commands in one go: {answered()} answered, {refused()} counted as refused, 0 lost in silence")


@pytest.mark.promise("M15")
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_retained_command_never_runs(broker: Mosquitto, tmp_path: Path, protocol: str, figure: Figure) -> None:
    with Proxy(broker.port) as proxy, broker.client() as client:
        client.publish(f"{BASE}/cmd/save", json.dumps({"id": "old", "formats": ["jpg"]}), retain=True)
        with RunningNode(tmp_path, proxy.port, mqtt={"protocol": protocol}) as node:
            commands = CommandClient(client)
            commands.wait_online()
            for session in range(2, 7):
                proxy.cut()
                wait_until(lambda s=session: node.log().count("connected to") == s, "the next session", 30)  # type: ignore[misc]
                time.sleep(5.5)  # shorter sessions would look like a clash of client ids
            replies = [reply for reply in commands.replies() if reply["verb"] == "save"]
            saved = len(pictures(node))
    figure(f"MQTT {protocol}, 6 connects: {saved} pictures, {len(replies)} refusals `{replies[0]['code']}`")
    assert saved == 0
    assert [reply["code"] for reply in replies] == ["retained"] * 6


# Makes the process that stacks take a second for each frame.
SLOW = """
import sys, time
if "pi_cam_node.imaging.task_process" in sys.orig_argv:
    from pi_cam_node.imaging import jpeg
    quick = jpeg.decode
    def decode(data):
        time.sleep(1)
        return quick(data)
    jpeg.decode = decode
"""


@pytest.mark.promise("M18")
def test_a_command_that_takes_a_minute_holds_nothing_up(
    broker: Mosquitto, tmp_path: Path, figure: Figure, long: bool
) -> None:
    count = 60 if long else 25
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    environment = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    with RunningNode(tmp_path, broker.port, environment, mqtt={"keepalive_s": 5}) as node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        wait_until(lambda: float(commands.state("ring_seconds") or 0) >= 9, "enough in the ring", 30)
        client.clear()
        began_s = time.monotonic()
        stack = {"id": "slow", "formats": ["jpg"], "at": 5, "count": count, "method": "mean"}
        client.publish(f"{BASE}/cmd/pastStack", json.dumps(stack))
        wait_until(lambda: "accepted" in stages_of(commands, "slow"), "the stack to begin")
        for number in range(16):
            client.publish(f"{BASE}/cmd/save", json.dumps({"id": f"waits{number}", "formats": ["jpg"]}))
        refused_s = time.monotonic()
        busy = commands.ask("save", formats=["jpg"])
        busy_s = time.monotonic() - refused_s
        took_s: list[float] = []
        while not commands.finals("slow"):
            took_s.append(asked_health(client, f"h{len(took_s)}"))
            time.sleep(0.5)
            assert time.monotonic() - began_s < bar(count + 30)
        slow_s = time.monotonic() - began_s
        wait_until(lambda: all(commands.finals(f"waits{number}") for number in range(16)), "those that waited", 30)
        assert commands.finals("slow")[0]["ok"]
        stages = stages_of(commands, "slow")
        offline = [m for m in client.messages() if m.topic == f"{BASE}/availability" and m.payload == b"offline"]
        sessions = node.log().count("connected to")
    figure(
        f"a stack that takes {slow_s:.0f} s: {len(offline)} wills, {len(took_s)} times `health` within "
        f"{max(took_s):.2f} s (at most 1), `{busy['code']}` after {busy_s:.2f} s (at most 1) once 16 wait"
    )
    assert stages[0] == "accepted"
    assert busy["code"] == "busy"
    assert busy_s <= 1
    assert max(took_s) <= bar(1)
    assert offline == []
    assert sessions == 1
    assert slow_s > count - 1


def stages_of(commands: CommandClient, name: str) -> list[str]:
    """Return the stages of the replies to a command so far."""
    return [reply["stage"] for reply in commands.replies() if reply["id"] == name]
