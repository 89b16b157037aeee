"""Refusals by a broker: logins, topics, large messages, and one particular message."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_cam_node.core.inputs import BrokerConnected, BrokerLost
from pi_cam_node.imaging.jpeg import decode
from pi_cam_node.mqtt.connection.backoff import Backoff
from pi_cam_node.mqtt.messages.message import Message
from tests.faults.http_probe import HttpProbe, pictures
from tests.support.bars import bar
from tests.support.broker import Mosquitto, StartBroker, wait_until
from tests.support.limited_broker import LimitedBroker, Limits
from tests.support.link_harness import TOPICS, LinkHarness
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = pytest.mark.faults

Figure = Callable[[str], None]

PACKET_BYTES = 100_000
# Of what promises tell in seconds: suites that run side by side take longer, which is no fault of the node.
DEADLINE_S = 60.0


@pytest.mark.promise("M8")
def test_a_picture_larger_than_the_broker_takes_arrives_smaller(
    start_broker: StartBroker, tmp_path: Path, figure: Figure
) -> None:
    broker = start_broker([f"max_packet_size {PACKET_BYTES}"])
    camera = {"width": 2560, "height": 1440, "framerate": 5}
    with (
        RunningNode(tmp_path, broker.port, camera=camera, mqtt={"image_max_bytes": 16 << 20}) as node,
        broker.client() as client,
    ):
        commands = CommandClient(client)
        commands.wait_online()
        reply = commands.ask("save", formats=["jpg"])
        assert reply["ok"], reply
        saved_bytes = pictures(node)[0].stat().st_size
        assert saved_bytes > PACKET_BYTES
        sent = client.wait_for(f"{BASE}/media/last/image").payload
        assert commands.ask("set", key="night.gain", value=7)["ok"]
        began_s = time.monotonic()
        wait_until(lambda: client.latest(f"{BASE}/config/night.gain") == b"7", "the next state")
        took_s = time.monotonic() - began_s
        sessions = commands.ask("health")["data"]["broker_sessions"]
    figure(
        f"{saved_bytes // 1000} kB saved, {len(sent) // 1000} kB arrived of {PACKET_BYTES // 1000} kB allowed, "
        f"{sessions - 1} disconnects, the next state within {took_s:.1f} s (at most 1)"
    )
    assert len(sent) < PACKET_BYTES
    assert decode(sent).shape[2] == 3
    assert sessions == 1
    assert took_s <= bar(1)


@pytest.mark.short
@pytest.mark.promise("M9")
@pytest.mark.parametrize("place", [5, 30, 59])
def test_a_message_on_which_the_broker_hangs_up_is_found_and_held_back(
    broker: Mosquitto, place: int, figure: Figure
) -> None:
    birth = [Message(TOPICS.state(f"key{number:02d}"), b"x", retain=True) for number in range(60)]
    poison = Limits(forbidden=frozenset({TOPICS.state(f"key{place:02d}")}), says_why=False)
    with LimitedBroker(broker.port, poison) as front, LinkHarness(front.port) as node, broker.client() as client:
        client.subscribe(f"{TOPICS.root}/#")
        began_s = time.monotonic()
        connects = 0
        while client.latest(TOPICS.availability) != b"online":
            for arrival in node.drain(0.1):
                if isinstance(arrival, BrokerConnected):
                    connects += 1
                    node.announce(*birth)
            assert time.monotonic() - began_s < DEADLINE_S, f"not online in {connects} sessions"
        took_s = time.monotonic() - began_s
        came = set(client.table())
        refused = node.link.figures()["messages_refused"]
        assert node.drain(1.0) == [], "and it stays connected"
    figure(
        f"message {place} of 60: {connects - 1} sessions lost (at most 3), "
        f"the other topics after {took_s:.1f} s (at most 15)"
    )
    assert came == {m.topic for m in birth} - {TOPICS.state(f"key{place:02d}")} | {TOPICS.availability}
    assert refused == 1
    assert connects <= 4
    assert took_s <= bar(15)


@pytest.mark.promise("M22")
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("acl", ["topic read #", "topic write #", "topic readwrite elsewhere/#"])
def test_a_broker_that_refuses_our_topics_is_reported(
    start_broker: StartBroker, tmp_path: Path, protocol: str, acl: str, figure: Figure
) -> None:
    broker = start_broker(users={"porch": "x"}, acl=f"user porch\n{acl}\n")
    page, login = HttpProbe(), {"username": "porch", "password": "x", "protocol": protocol}
    with RunningNode(tmp_path, broker.port, mqtt=login, mjpeg_server=page.section) as node:
        wait_until(lambda: "connected to" in node.log(), "the connection", 30)
        began_s = time.monotonic()
        wait_until(lambda: page.fault().startswith("forbidden: the broker does not let the node"), "the report", 20)
        took_s = time.monotonic() - began_s
        assert "does not let the node" in node.log()
        assert node.running
    figure(f"MQTT {protocol}, {acl!r}: told after {took_s:.1f} s (at most 10)")
    assert took_s <= bar(10)


SCALE = 30


class Hurried(Backoff):
    """Back-off with a fraction of the waits."""

    def after_failure(self, *, refused: bool = False) -> float:
        """See `Backoff.after_failure`."""
        return super().after_failure(refused=refused) / SCALE


@pytest.mark.promise("M23")
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_refused_login_is_tried_seldom_and_told_once(
    start_broker: StartBroker, protocol: str, figure: Figure, caplog: pytest.LogCaptureFixture, long: bool
) -> None:
    scale = 1 if long else SCALE
    backoff = (Backoff if long else Hurried)(random.Random(1))
    broker = start_broker(users={"porch": "right"})
    caplog.set_level(logging.INFO, "pi_cam_node")
    login = {"username": "porch", "password": "wrong", "protocol": protocol}
    with LinkHarness(broker.port, backoff=backoff, **login) as node:
        time.sleep(600 / scale)
        attempts = broker.log().count("not authorised")
        assert "Not authorized" in node.expect(BrokerLost).reason
    lines = [record for record in caplog.records if record.name.startswith("pi_cam_node.mqtt")]
    figure(
        f"MQTT {protocol}, 10 min{'' if long else f' at {SCALE} times the pace'}: {attempts} attempts (at most 15), "
        f"{len(lines)} lines in the log (at most 3)"
    )
    assert 5 <= attempts <= 15
    assert len(lines) <= 3


@pytest.mark.short
@pytest.mark.promise("M23")
def test_the_page_says_that_the_login_was_refused(start_broker: StartBroker, tmp_path: Path, figure: Figure) -> None:
    broker, page = start_broker(users={"porch": "right"}), HttpProbe()
    login = {"username": "porch", "password": "wrong"}
    with RunningNode(tmp_path, broker.port, mqtt=login, mjpeg_server=page.section):
        wait_until(lambda: page.state().get("broker_away_because"), "the reason", DEADLINE_S)
        assert page.state()["broker_away_because"] == "the broker refuses the connection: Not authorized"
    figure("the page: the broker refuses the connection: Not authorized")
