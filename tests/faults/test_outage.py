"""Outages of the broker, long and short, for one node and for fifty."""

from __future__ import annotations

import gc
import os
import socket
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from benchmarks.reconnect import LINES, SETTLED_S, AnnouncingNode, most_within, outage
from pi_cam_node.core.events import BrightnessMeasured
from pi_cam_node.core.inputs import BrokerConnected, BrokerLost
from pi_cam_node.mqtt import outbox
from pi_cam_node.mqtt.messages.message import Message
from tests.faults.http_probe import HttpProbe, resident_mib
from tests.support.bars import bar
from tests.support.broker import Mosquitto, StartBroker, wait_until
from tests.support.link_harness import TOPICS, LinkHarness
from tests.support.proxy import Proxy
from tests.support.running_node import CommandClient, RunningNode

pytestmark = pytest.mark.faults

Figure = Callable[[str], None]


@pytest.mark.promise("M1", "B4")
def test_a_node_without_a_broker_goes_on_in_every_other_way(
    broker: Mosquitto, tmp_path: Path, figure: Figure, long: bool
) -> None:
    away_s, page = (3600.0 if long else 60.0), HttpProbe()
    with RunningNode(
        tmp_path, broker.port, mjpeg_server=page.section, ring={"size": 20}, telemetry={"interval_s": 5}
    ) as node:
        with broker.client() as client:
            CommandClient(client).wait_online()
        for _ in range(20):  # until the ring is full and everything has been used once
            time.sleep(1)
            assert page.get("/snapshot.jpg")
        before_mib, before = resident_mib(node.process.pid), page.frames()
        broker.kill()
        began_s = time.monotonic()
        samples = []
        while (passed_s := time.monotonic() - began_s) < away_s:
            time.sleep(min(5.0, away_s - passed_s))
            assert page.get("/snapshot.jpg"), "the live view goes on"
            samples.append(resident_mib(node.process.pid))
        share = (page.frames() - before) / (10 * (time.monotonic() - began_s))
        grown_mib = statistics.median(samples[-5:]) - before_mib
        assert page.state()["broker"] is False
        assert "nothing listens" in page.state()["broker_away_because"]
        assert node.running
        assert node.log().count("starts, version") == 1
        broker.start()
        with broker.client() as client:
            CommandClient(client).wait_online()
    figure(f"{away_s / 60:.0f} min away: {share:.1%} of the frames (at least 99 %), {grown_mib:+.1f} MiB (at most 5)")
    assert share >= 0.99
    assert grown_mib <= 5


@pytest.mark.promise("M2", "B7")
def test_a_broker_that_forgot_everything_is_told_everything_again(figure: Figure, tmp_path: Path, long: bool) -> None:
    with Mosquitto(tmp_path, LINES) as broker, ExitStack() as stack:
        nodes = [stack.enter_context(AnnouncingNode(broker.port, number)) for number in range(5)]
        wait_until(lambda: all(node.connected_s for node in nodes), "all nodes to connect")
        took_s: list[float] = []
        for _ in range(20 if long else 4):
            time.sleep(SETTLED_S)
            took_s += outage(broker, nodes)
        topics = len(nodes[0].table())
    figure(
        f"{topics} retained topics equal byte for byte after {len(took_s)} outages of {len(took_s)}, "
        f"at the latest {max(took_s):.2f} s after the connect (at most 3)"
    )
    assert max(took_s) <= bar(3)


@pytest.mark.promise("M6", "B7")
def test_fifty_nodes_that_lose_one_broker_come_back_spread_out(figure: Figure, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, LINES) as broker, ExitStack() as stack:
        nodes = [stack.enter_context(AnnouncingNode(broker.port, number)) for number in range(50)]
        wait_until(lambda: all(node.connected_s for node in nodes), "all nodes to connect", 60)
        time.sleep(SETTLED_S)
        took_s = outage(broker, nodes)
        connects_s = [node.connected_s[-1] for node in nodes]
        most, last_s = most_within(connects_s, 1.0), max(connects_s) - broker.started_s
    figure(
        f"50 nodes: at most {most} connects in one second (at most 20), all back after {last_s:.1f} s (at most 75), "
        f"each right {max(took_s):.2f} s after its connect (at most 3)"
    )
    assert most <= 20
    assert last_s <= 75
    assert max(took_s) <= bar(3)


@pytest.mark.promise("M5", "B5")
def test_a_name_that_cannot_be_resolved_is_asked_for_until_it_can(
    broker: Mosquitto, mocker: MockerFixture, figure: Figure
) -> None:
    resolve, is_known = socket.getaddrinfo, False

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "broker.invalid":
            return resolve(host, *arguments, **options)
        if not is_known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve("127.0.0.1", *arguments, **options)

    mocker.patch.object(socket, "getaddrinfo", getaddrinfo)
    with AnnouncingNode(broker.port, host="broker.invalid") as node:
        time.sleep(12)
        assert node.connected_s == []
        is_known, healed_s = True, time.monotonic()
        wait_until(lambda: node.connected_s, "the connection", 30)
        took_s = node.connected_s[0] - healed_s
    figure(f"connected {took_s:.1f} s after the name was known (at most 10)")
    assert took_s <= bar(10)


@pytest.mark.short
@pytest.mark.promise("M5")
def test_a_node_with_a_wrong_broker_serves_its_page_and_says_so(tmp_path: Path, figure: Figure) -> None:
    page, began_s = HttpProbe(), time.monotonic()
    with RunningNode(tmp_path, 1883, mqtt={"host": "no-such-broker.invalid"}, mjpeg_server=page.section) as node:
        wait_until(lambda: page.state().get("broker_away_because"), "the reason on the page", 60)
        took_s = time.monotonic() - began_s
        assert page.state()["broker_away_because"] == "the name no-such-broker.invalid cannot be resolved"
        wait_until(lambda: page.state()["states"]["camera"] == "online", "frames", 60)
        assert node.running
    figure(f"an unknown name: page, frames and the reason {took_s:.1f} s after the start (at most 10)")
    assert took_s <= bar(10)


# ------------------------------------------------------------------ what waits meanwhile


def event(number: int, size_bytes: int = 0) -> Message:
    return Message(TOPICS.event("test"), str(number).encode().ljust(size_bytes), queue_offline=True)


def own_memory_mib() -> float:
    gc.collect()
    return resident_mib(os.getpid())


@pytest.mark.short
@pytest.mark.promise("M14", "B4")
def test_ten_thousand_messages_for_a_broker_that_is_away_take_no_memory(
    start_broker: StartBroker, figure: Figure
) -> None:
    broker = start_broker(start=False)
    with LinkHarness(broker.port) as node:
        node.expect(BrokerLost)
        before_mib = own_memory_mib()
        for number in range(10_000):
            node.link.publish(event(number, 20_000))
            node.link.publish(Message(TOPICS.state("brightness"), bytes(20_000), retain=True))
        grown_mib = own_memory_mib() - before_mib
        assert node.link.figures()["messages_dropped"] == 10_000 - outbox.WAITING
        broker.start()
        with broker.client() as client:
            client.subscribe(f"{TOPICS.root}/#")
            node.expect(BrokerConnected, timeout_s=60)
            node.announce()
            client.wait_for(TOPICS.event("test"), lambda m: int(m.payload) == 9_999)
            assert [int(m.payload) for m in client.on(TOPICS.event("test"))] == list(range(9_900, 10_000))
            assert client.on(TOPICS.state("brightness")) == []
    figure(f"10 000 events and states of 20 kB: {grown_mib:+.1f} MiB (at most 8), dropped and counted 9900 of 9900")
    assert grown_mib <= 8


@pytest.mark.promise("M14", "B4")
def test_a_broker_that_hangs_is_held_up_to_four_mebibytes(broker: Mosquitto, figure: Figure) -> None:
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node:
        node.expect(BrokerConnected)
        node.announce()
        proxy.freeze()
        before_mib = own_memory_mib()
        for number in range(10_000):
            node.link.publish(event(number, 20_000))
            node.link.publish(Message(TOPICS.frame, bytes(100_000), qos=0, retain=True))
        grown_mib = own_memory_mib() - before_mib
        proxy.thaw()
    figure(f"a broker that hangs: 10 000 events and live pictures, {grown_mib:+.1f} MiB (at most 8)")
    assert grown_mib <= 8


@pytest.mark.promise("M14")
def test_after_an_outage_the_newest_state_is_told_and_no_history(start_broker: StartBroker, figure: Figure) -> None:
    broker = start_broker(start=False)
    with AnnouncingNode(broker.port) as node:
        for number in range(10_000):
            node.announcer.on_event(BrightnessMeasured(level=number % 256, lux=None))
        node.announcer.on_event(BrightnessMeasured(level=42.0, lux=None))
        broker.start()
        with broker.client() as client:
            client.subscribe(f"{node.topics.root}/#")
            client.wait_for(node.topics.availability, "online", 20)
            came = [m.payload for m in client.on(node.topics.state("brightness"))]
    figure(f"10 001 states while away: {len(came)} told afterwards, the newest")
    assert came == [b"42.0"]
