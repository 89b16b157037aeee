"""A network partition: the node in its own network namespace, whose packets are dropped silently."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Mosquitto, StartBroker, free_port, wait_until
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = [pytest.mark.faults, pytest.mark.root]

Figure = Callable[[str], None]

HERE, THERE = "10.99.8.1", "10.99.8.2"
NOWHERE = "02:00:00:00:00:99"


class Island:
    """A network namespace, called the island, joined to this one by a pair of virtual interfaces."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._near, self._far = f"v-{name}", f"w-{name}"
        self._addresses: dict[str, str] = {}

    @property
    def within(self) -> tuple[str, ...]:
        """The command that runs another one on the island."""
        return ("ip", "netns", "exec", self.name)

    def make(self) -> None:
        """Make both ends and give them addresses."""
        ip("netns", "add", self.name)
        ip("link", "add", self._near, "type", "veth", "peer", "name", self._far)
        ip("link", "set", self._far, "netns", self.name)
        ip("addr", "add", f"{HERE}/30", "dev", self._near)
        ip("link", "set", self._near, "up")
        ip(*self._there("addr", "add", f"{THERE}/30", "dev", self._far))
        ip(*self._there("link", "set", self._far, "up"))
        ip(*self._there("link", "set", "lo", "up"))
        self._addresses = {
            HERE: Path(f"/sys/class/net/{self._near}/address").read_text().strip(),
            THERE: ip(*self._there("-br", "link", "show", self._far)).split()[2],
        }

    def cut(self) -> None:
        """Route every packet to an unused address: none arrives, and none is answered."""
        self._neighbours(NOWHERE, NOWHERE)

    def heal(self) -> None:
        """Restore the routes."""
        self._neighbours(self._addresses[HERE], self._addresses[THERE])

    def remove(self) -> None:
        """Remove namespace and interfaces."""
        ip("netns", "del", self.name)
        subprocess.run(["ip", "link", "del", self._near], capture_output=True, check=False)

    def get(self, port: int, path: str) -> str:
        """Return the body of an answer of the node on the island; empty while there is none."""
        command = ["curl", "-s", "-m", "2", f"http://127.0.0.1:{port}{path}"]
        return subprocess.run([*self.within, *command], capture_output=True, text=True, check=False).stdout

    def _there(self, *arguments: str) -> tuple[str, ...]:
        return ("-n", self.name, *arguments)

    def _neighbours(self, here: str, there: str) -> None:
        ip("neigh", "replace", THERE, "lladdr", there, "dev", self._near, "nud", "permanent")
        ip(*self._there("neigh", "replace", HERE, "lladdr", here, "dev", self._far, "nud", "permanent"))


def ip(*arguments: str) -> str:
    """Run ``ip`` and return what it printed."""
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def island(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Island]:
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    if shutil.which("ip") is None or shutil.which("curl") is None:
        pytest.skip("ip or curl is not installed")
    with (tmp_path_factory.getbasetemp().parent / "island.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one pair of addresses for all who test on this machine
        made = Island(f"i{os.getpid()}")
        try:
            made.make()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespace can be made here: {error.stderr}")
        yield made
        made.remove()


def broker_for(start_broker: StartBroker) -> tuple[Mosquitto, int]:
    """Return a broker that listens on loopback and towards the island, and its port there."""
    port = free_port()
    return start_broker([f"listener {port} {HERE}"]), port


@pytest.mark.promise("M3", "B5", "B6")
def test_packets_that_vanish_are_noticed_and_healed(
    start_broker: StartBroker, island: Island, tmp_path: Path, figure: Figure
) -> None:
    broker, port = broker_for(start_broker)
    mqtt: dict[str, Any] = {"host": HERE}
    with RunningNode(tmp_path, port, within=island.within, mqtt=mqtt) as node, broker.client() as client:
        CommandClient(client).wait_online()
        client.clear()
        island.cut()
        cut_s = time.monotonic()
        wait_until(lambda: "no broker" in node.log(), "the loss", 40)
        noticed_s = time.monotonic() - cut_s
        will = client.wait_for(f"{BASE}/availability", "offline", 60)
        offline_s = will.mono_s - cut_s
        island.heal()
        healed_s = time.monotonic()
        online = client.wait_for(f"{BASE}/availability", "online", 60)
        back_s = online.mono_s - healed_s
        assert node.running
    figure(
        f"packets vanish, live picture once a second: noticed after {noticed_s:.1f} s (at most 12), `offline` after "
        f"{offline_s:.1f} s (at most 40), back {back_s:.1f} s after the repair (at most 10)"
    )
    assert noticed_s <= 12
    assert offline_s <= 40
    assert back_s <= 10


@pytest.mark.promise("M5", "B5")
def test_a_node_that_starts_without_a_network_is_up_and_finds_the_broker_later(
    start_broker: StartBroker, island: Island, tmp_path: Path, figure: Figure
) -> None:
    broker, port = broker_for(start_broker)
    http = free_port()
    island.cut()
    sections: dict[str, Any] = {"mqtt": {"host": HERE}, "mjpeg_server": {"enable": True, "port": http}}
    began_s = time.monotonic()
    with RunningNode(tmp_path, port, within=island.within, **sections) as node, broker.client() as client:
        client.subscribe(f"{BASE}/availability")
        wait_until(lambda: state(island, http).get("states", {}).get("camera") == "online", "the page and frames", 30)
        up_s = time.monotonic() - began_s
        wait_until(
            lambda: state(island, http).get("broker_away_because") == f"no answer from {HERE}:{port}", "the reason", 30
        )
        island.heal()
        healed_s = time.monotonic()
        back_s = client.wait_for(f"{BASE}/availability", "online", 60).mono_s - healed_s
        assert node.running
    figure(
        f"packets vanish at boot: page and frames after {up_s:.1f} s (at most 10), "
        f"connected {back_s:.1f} s after the repair (at most 10)"
    )
    assert up_s <= 10
    assert back_s <= 10


def state(island: Island, http: int) -> dict[str, Any]:
    """Return the body of `/api/state` on the island; empty while there is no answer."""
    body = island.get(http, "/api/state")
    return dict(json.loads(body)) if body else {}
