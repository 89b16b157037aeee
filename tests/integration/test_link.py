"""The broker link with a real broker: birth messages, losses, refusals."""

from __future__ import annotations

import json
import re
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
import psutil
import pytest
from paho.mqtt.enums import MQTTErrorCode
from pytest_mock import MockerFixture

from pi_cam_node.core.inputs import (
    BrokerConnected,
    BrokerLost,
    BrokerRefused,
    CommandArrived,
    DiscoveryFound,
    HomeAssistantStarted,
    Input,
    StaleWillSeen,
    TopicsForbidden,
)
from pi_cam_node.mqtt import link as link_module
from pi_cam_node.mqtt import outbox
from pi_cam_node.mqtt.connection import in_flight
from pi_cam_node.mqtt.messages.incoming import Incoming, parse_message
from pi_cam_node.mqtt.messages.message import JSON, Message
from pi_cam_node.mqtt.messages.topics import Topics
from tests.support.bars import bar
from tests.support.broker import Mosquitto, StartBroker, wait_until
from tests.support.link_harness import OFFLINE, ONLINE, TOPICS, LinkHarness, password_file
from tests.support.proxy import Proxy


def state(key: str, value: str) -> Message:
    return Message(TOPICS.state(key), value.encode(), retain=True)


def event(number: int) -> Message:
    return Message(TOPICS.event("test"), str(number).encode(), queue_offline=True)


# ---------------------------------------------------------------- coming and going of the broker


def test_a_broker_that_comes_later_is_found(start_broker: StartBroker) -> None:
    broker = start_broker(start=False)
    with LinkHarness(broker.port) as node:
        assert "nothing listens" in node.expect(BrokerLost).reason
        assert not node.link.publish(ONLINE)
        wait_until(lambda: not node.link.is_connected)
        assert node.drain() == [], "the same reason is told once"
        broker.start()
        assert node.expect(BrokerConnected) == BrokerConnected("5", 1)
        with broker.client() as client:
            client.subscribe(TOPICS.availability)
            node.announce()
            assert client.wait_for(TOPICS.availability, "online")


def test_a_broker_that_forgot_everything_is_told_everything_again(broker: Mosquitto) -> None:
    birth = [state("mode", "day"), state("brightness", "87.1"), Message(TOPICS.info, b"{}", retain=True)]
    wanted = {message.topic: message.payload for message in (*birth, ONLINE)}
    with LinkHarness(broker.port) as node:
        for session in range(1, 6):
            assert node.expect(BrokerConnected).session == session
            node.announce(*birth)
            with broker.client() as client:
                client.subscribe(f"{TOPICS.root}/#")
                wait_until(lambda: client.table() == wanted, "the retained table")
            broker.restart()
            node.expect(BrokerLost)


def test_the_birth_arrives_in_order_with_online_last(broker: Mosquitto) -> None:
    with broker.client() as client, LinkHarness(broker.port) as node:
        client.subscribe(f"{TOPICS.root}/#")
        node.expect(BrokerConnected)
        birth = [state(f"key{number}", "x") for number in range(100)]
        node.announce(*birth)
        client.wait_for(TOPICS.availability)
        assert [m.topic for m in client.received] == [m.topic for m in (*birth, ONLINE)]


def test_events_wait_for_the_broker_and_come_after_the_birth(start_broker: StartBroker) -> None:
    broker = start_broker(start=False)
    with LinkHarness(broker.port) as node:
        for number in range(outbox.WAITING + 20):
            node.link.publish(event(number))
        node.link.publish(state("mode", "night"))
        broker.start()
        with broker.client() as client:
            client.subscribe(f"{TOPICS.root}/#")
            node.expect(BrokerConnected)
            assert not node.link.publish(event(500)), "nothing goes before the birth"
            node.announce()
            client.wait_for(TOPICS.event("test"), "500")
            assert client.received[0].topic == TOPICS.availability
            numbers = [int(m.payload) for m in client.on(TOPICS.event("test"))]
            assert numbers == [*range(21, outbox.WAITING + 20), 500], "the oldest made room"
            assert client.on(TOPICS.state("mode")) == [], "a state of the past is not sent"
            assert node.link.figures()["messages_dropped"] == 21


# Of a tenth of a second each.
WAIT_TURNS = 600


def test_an_event_that_was_not_acknowledged_is_sent_again(broker: Mosquitto) -> None:
    with Proxy(broker.port) as proxy, broker.client() as client, LinkHarness(proxy.port) as node:
        client.subscribe(f"{TOPICS.root}/#")
        node.expect(BrokerConnected)
        node.announce()
        proxy.freeze()
        for number in range(30):
            assert node.link.publish(event(number))
        assert client.on(TOPICS.event("test")) == []
        proxy.cut()
        proxy.thaw()
        node.expect(BrokerConnected)
        node.announce()
        for _ in range(WAIT_TURNS):  # a burst that was cut off goes out more slowly
            node.drain(0.1)
            if client.latest(TOPICS.event("test")) == b"29":
                break
        assert sorted({int(m.payload) for m in client.on(TOPICS.event("test"))}) == list(range(30))


def test_a_broker_that_hangs_is_left(broker: Mosquitto, mocker: MockerFixture) -> None:
    mocker.patch.object(in_flight, "ACK_TIMEOUT_S", 0.5)
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node:
        node.expect(BrokerConnected)
        node.announce()
        proxy.freeze()
        node.link.publish(state("mode", "day"))
        assert "acknowledges nothing" in node.expect(BrokerLost).reason


def test_an_overloaded_broker_is_not_left_again_and_again(broker: Mosquitto, mocker: MockerFixture) -> None:
    mocker.patch.object(in_flight, "ACK_TIMEOUT_S", 1.0)
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node:
        proxy.answer_delay_s = 3.0

        def is_taken_or_lost() -> bool:
            return any(isinstance(one, BrokerLost) for one in node.drain(0.05)) or session_is_idle(node)

        for _ in range(5):
            node.expect(BrokerConnected)
            node.announce(*(state(f"key{number}", "1") for number in range(9)))
            wait_until(is_taken_or_lost, "the end of a session, or of its birth")
            if session_is_idle(node):
                return
    raise AssertionError("each session sent everything anew and was left")


def test_a_link_that_goes_silent_again_and_again_blames_no_message(broker: Mosquitto, mocker: MockerFixture) -> None:
    mocker.patch.object(in_flight, "ACK_TIMEOUT_S", 0.3)
    with broker.client() as client, Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node:
        client.subscribe(TOPICS.state("mode"))
        for _ in range(4):
            node.expect(BrokerConnected)
            node.announce(state("brightness", "1"))
            wait_until(lambda: node.link.figures()["connected"] and session_is_idle(node), "the acknowledgements")
            proxy.freeze()
            node.link.publish(state("mode", "day"))
            node.expect(BrokerLost)
            proxy.cut()
            proxy.thaw()
        node.expect(BrokerConnected)
        node.announce(state("mode", "night"))
        client.wait_for(TOPICS.state("mode"), "night")


def session_is_idle(node: LinkHarness) -> bool:
    live = node.link._live
    return live is not None and live.in_flight.is_empty


def test_a_hanging_broker_does_not_fill_the_memory(broker: Mosquitto) -> None:
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node:
        node.expect(BrokerConnected)
        node.announce()
        proxy.freeze()
        picture = Message(TOPICS.shortstream, bytes(100_000), user=(("index", "1"),))
        taken = sum(node.link.publish(picture) for _ in range(200))
        assert node.link.figures()["messages_dropped"] == 200 - taken
        assert node.link.is_backlogged(), "the next stream would find no room"
        assert in_flight.IN_FLIGHT_BYTES // 100_000 - 1 <= taken <= in_flight.IN_FLIGHT_BYTES // 100_000
        assert node.link.publish(state("mode", "night")), "what is small still passes"
        assert not node.link.publish(Message(TOPICS.media_image, bytes(100_000), retain=True))
        proxy.thaw()
        with broker.client() as client:
            client.subscribe(TOPICS.media_image)
            wait_until(lambda: node.link.publish(event(1)) and client.latest(TOPICS.media_image), "the picture")


def test_a_slow_broker_makes_the_node_wait_before_replies_are_lost(broker: Mosquitto) -> None:
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node, broker.client() as client:
        node.up(client)
        client.subscribe(TOPICS.reply("get"))
        proxy.freeze()
        replies = 0
        while not node.link.is_backlogged():
            node.link.publish(Message(TOPICS.reply("get"), str(replies).encode(), queue_offline=True))
            replies += 1
        proxy.thaw()
        wait_until(lambda: not node.link.is_backlogged(), "the node to catch up")
        node.link.publish(Message(TOPICS.reply("get"), str(replies).encode(), queue_offline=True))
        last = str(replies).encode()
        wait_until(
            lambda: not node.link.is_backlogged() and client.latest(TOPICS.reply("get")) == last, "the last reply"
        )
        assert [int(m.payload) for m in client.on(TOPICS.reply("get"))] == list(range(replies + 1))
        assert node.link.figures()["messages_dropped"] == 0


def test_what_waited_leaves_as_soon_as_a_broker_goes_on_without_anything_being_said(broker: Mosquitto) -> None:
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node, broker.client() as client:
        node.up(client)
        client.subscribe(f"{TOPICS.root}/#")
        proxy.freeze()
        for number in range(in_flight.IN_FLIGHT_MESSAGES + 10):
            node.link.publish(event(number))
        assert not node.link.publish(state("mode", "night"))
        assert not node.link.is_backlogged(), "so few that nobody has to wait"
        proxy.thaw()
        last = str(in_flight.IN_FLIGHT_MESSAGES + 9).encode()
        wait_until(
            lambda: (
                not node.link.is_backlogged()
                and client.latest(TOPICS.state("mode")) == b"night"
                and client.latest(TOPICS.event("test")) == last
            ),
            "the last event and the state",
        )


def test_descriptors_and_threads_do_not_grow_with_reconnects(broker: Mosquitto) -> None:
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node:
        node.expect(BrokerConnected)
        proxy.cut()
        node.expect(BrokerConnected)
        descriptors = psutil.Process().num_fds()
        for _ in range(3):
            proxy.cut()
            node.expect(BrokerConnected)
        wait_until(lambda: psutil.Process().num_fds() <= descriptors, "descriptors to be closed")
        assert [t.name for t in threading.enumerate() if "mqtt" in t.name] == ["mqtt-link"]


@pytest.mark.promise("M10")
def test_an_error_inside_paho_ends_the_session_and_not_the_link(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_client: paho.Client) -> MQTTErrorCode:
        raise struct.error("a packet that paho-mqtt does not understand")

    with LinkHarness(broker.port) as node:
        node.expect(BrokerConnected)
        with monkeypatch.context() as patch:
            patch.setattr(paho.Client, "loop_misc", fail)
            assert "does not understand" in node.expect(BrokerLost).reason
            assert not node.link.is_connected
        node.expect(BrokerConnected)


def test_an_error_in_the_link_itself_does_not_end_it(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    mocker.patch.object(link_module, "SLOW_S", 0.1)
    with LinkHarness(broker.port) as node:
        node.expect(BrokerConnected)
        with monkeypatch.context() as patch:
            patch.setattr(node.backoff, "after_session", lambda *_: 1 / 0)
            broker.restart()
            node.expect(BrokerConnected)
        assert node.link.sessions == 2


# ---------------------------------------------------------------- the end


def test_a_farewell_leaves_offline_and_no_thread(broker: Mosquitto) -> None:
    with LinkHarness(broker.port) as node:
        node.expect(BrokerConnected)
        node.announce()
        with broker.client() as client:
            client.subscribe(TOPICS.availability)
            client.wait_for(TOPICS.availability, "online")
            node.link.close(OFFLINE, 3)
            client.wait_for(TOPICS.availability, "offline")
    assert "mqtt-link" not in [t.name for t in threading.enumerate()]
    wait_until(lambda: re.search(r"Client pi_cam_node-porch\S* disconnected\.", broker.log()), "an orderly end")


@pytest.mark.promise("M19")
def test_a_farewell_that_does_not_get_through_is_said_by_the_last_will(broker: Mosquitto) -> None:
    with broker.client() as client, Proxy(broker.port) as proxy, LinkHarness(proxy.port, protocol="3.1.1") as node:
        node.up(client)
        proxy.freeze_answers()
        for number in range(30):  # more than paho-mqtt sends before the first is acknowledged: the last message waits
            node.link.publish(event(number))
        node.link.close(OFFLINE, 1)
        client.wait_for(TOPICS.availability, "offline")


@pytest.mark.parametrize("announced", [True, False])
def test_the_end_is_not_held_up_by_a_frozen_broker(broker: Mosquitto, announced: bool) -> None:
    with LinkHarness(broker.port) as node:
        node.expect(BrokerConnected)
        if announced:
            node.announce()
        broker.freeze()
        begin_s = time.monotonic()
        node.link.close(OFFLINE, 2)
        assert time.monotonic() - begin_s < bar(5)
        assert "mqtt-link" not in [t.name for t in threading.enumerate()]
        broker.thaw()


def test_the_last_will_says_offline_when_the_node_is_killed(broker: Mosquitto) -> None:
    with broker.client() as client:
        client.subscribe(TOPICS.availability)
        with LinkHarness(broker.port, protocol="3.1.1") as node:
            node.expect(BrokerConnected)
            node.announce()
            client.wait_for(TOPICS.availability, "online")
            session = node.link._session
            assert session is not None
            session.abandon()  # the socket closes without DISCONNECT, as at a kill
            client.wait_for(TOPICS.availability, "offline")


def test_a_short_gap_is_not_seen_by_others(broker: Mosquitto) -> None:
    with broker.client() as client, Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node:
        client.subscribe(TOPICS.availability)
        for session in range(1, 5):
            node.expect(BrokerConnected)
            node.announce()
            client.wait_count(TOPICS.availability, session)
            proxy.cut()
        node.expect(BrokerConnected)
        assert {m.payload for m in client.on(TOPICS.availability)} == {b"online"}


# ---------------------------------------------------------------- what comes


def test_commands_arrive_with_what_mqtt_5_says_of_them(broker: Mosquitto) -> None:
    with broker.client() as client, LinkHarness(broker.port) as node:
        node.up(client)
        client.publish(TOPICS.cmd("save"), "jpg", reply_to="asker/1", correlation=b"\x00\xff")
        arrival = node.expect(CommandArrived)
        assert (arrival.verb, arrival.payload, arrival.retained) == ("save", b"jpg", False)
        assert (arrival.reply_to, arrival.correlation) == ("asker/1", b"\x00\xff")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_every_command_topic_is_heard(broker: Mosquitto, protocol: str) -> None:
    with broker.client() as client, LinkHarness(broker.port, protocol=protocol) as node:
        assert node.up(client).protocol == protocol
        told = {
            TOPICS.cmd_line: ("", b"7"),
            TOPICS.cmd("help"): ("help", b"7"),
            TOPICS.set("night.gain"): ("set", b"night.gain 7"),
            "pi_cam_node/all/cmd/health": ("health", b"7"),
            "pi_cam_node/group/garden/cmd/save": ("save", b"7"),
        }
        for topic, wanted in told.items():
            client.publish(topic, "7")
            arrival = node.expect(CommandArrived)
            assert (arrival.verb, arrival.payload) == wanted
        for topic in ("pi_cam_node/group/other/cmd/save", "pi_cam_node/other/cmd/save", TOPICS.state("mode")):
            client.publish(topic, "7")
        assert node.drain() == []


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_retained_command_arrives_flagged_at_each_connect(broker: Mosquitto, protocol: str) -> None:
    with broker.client() as client:
        client.publish(TOPICS.cmd("save"), "jpg", retain=True)
    for _ in range(2):
        with LinkHarness(broker.port, protocol=protocol) as node:
            assert node.expect(CommandArrived).retained


def test_under_mqtt_5_a_retained_command_is_known_the_first_time(broker: Mosquitto) -> None:
    with broker.client() as client, LinkHarness(broker.port) as node:
        node.up(client)
        client.publish(TOPICS.cmd("save"), "jpg", retain=True)
        assert node.expect(CommandArrived).retained


@pytest.mark.promise("M16")
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_commands_of_an_outage_are_not_run_later(
    broker: Mosquitto, protocol: str, figure: Callable[[str], None]
) -> None:
    with broker.client() as client, Proxy(broker.port) as proxy, LinkHarness(proxy.port, protocol=protocol) as node:
        node.up(client)
        proxy.manner = "silent"
        proxy.cut()
        node.expect(BrokerLost)
        for _ in range(20):
            client.publish(TOPICS.cmd("save"))
        proxy.manner = "serve"
        proxy.cut()
        node.expect(BrokerConnected)
        assert node.drain() == []
    figure(f"MQTT {protocol}: 20 sent while it was away, 0 came later")


def test_a_command_too_large_comes_just_large_enough_to_be_refused(broker: Mosquitto) -> None:
    with broker.client() as client, LinkHarness(broker.port) as node:
        node.up(client)
        client.publish(TOPICS.cmd("set"), bytes(1_000_000))
        assert len(node.expect(CommandArrived).payload) == 64 * 1024 + 1


def test_home_assistants_start_own_discovery_and_a_late_will_are_told(broker: Mosquitto) -> None:
    with broker.client() as client:
        client.publish(TOPICS.own_discovery, "old", retain=True)
        client.publish(TOPICS.availability, "offline", retain=True)
        with LinkHarness(broker.port) as node:
            node.expect(BrokerConnected)
            assert node.expect(DiscoveryFound).payload == b"old"
            node.announce()
            assert node.drain() == [], "what the last session left is replaced by the birth"
            client.publish("homeassistant/status", "online", qos=0)
            node.expect(HomeAssistantStarted)
            client.publish(TOPICS.availability, "offline", retain=True)
            node.expect(StaleWillSeen)
            client.publish("homeassistant/status", "offline", qos=0)
            node.link.publish(ONLINE)
            assert node.drain() == []


@pytest.mark.promise("M10")
def test_an_error_while_taking_a_message_in_is_counted_and_survived(broker: Mosquitto, mocker: MockerFixture) -> None:
    def fail_on_save(incoming: Incoming, topics: Topics, mono_s: float) -> Input | None:
        if incoming.topic == TOPICS.cmd("save"):
            raise KeyError("a bug")
        return parse_message(incoming, topics, mono_s)

    mocker.patch.object(link_module, "parse_message", fail_on_save)
    with broker.client() as client, LinkHarness(broker.port) as node:
        node.up(client)
        client.publish(TOPICS.cmd("save"))
        client.publish(TOPICS.cmd("help"))
        assert node.expect(CommandArrived).verb == "help"
        assert node.link.figures()["callback_errors"] == 1
        assert node.link.sessions == 1


def test_thousands_of_commands_and_replies_pass_in_order(broker: Mosquitto) -> None:
    count, window = 3000, 100
    with broker.client() as client, LinkHarness(broker.port) as node:
        node.up(client)
        client.subscribe(f"{TOPICS.root}/reply/+")

        def echo() -> None:
            for _ in range(count):
                node.link.publish(
                    Message(TOPICS.reply("echo"), node.expect(CommandArrived).payload, queue_offline=True)
                )

        thread = threading.Thread(target=echo)
        thread.start()
        for number in range(count):
            client.publish(TOPICS.cmd("echo"), str(number), qos=1 if number % window == 0 else 0)
            if number % window == 0:
                client.wait_count(TOPICS.reply("echo"), number - window)
        thread.join(30)
        replies = client.wait_count(TOPICS.reply("echo"), count)
        assert [int(m.payload) for m in replies] == list(range(count))
        assert node.link.figures()["messages_dropped"] == 0


# ---------------------------------------------------------------- refusals


def test_a_wrong_password_is_no_connection_and_a_corrected_file_is_read(
    start_broker: StartBroker, tmp_path: Path
) -> None:
    broker = start_broker(users={"porch": "right"})
    path = password_file(tmp_path, "wrong")
    with LinkHarness(broker.port, username="porch", password_file=path) as node:
        reason = node.expect(BrokerLost).reason
        assert "Not authorized" in reason
        assert "wrong" not in reason
        assert not node.link.is_connected
        assert node.link.sessions == 0
        password_file(tmp_path, "right")
        node.expect(BrokerConnected)
        assert [arrival for arrival in node.seen if isinstance(arrival, BrokerLost)] == [BrokerLost(reason)]


def test_a_missing_password_file_is_named(broker: Mosquitto, tmp_path: Path) -> None:
    with LinkHarness(broker.port, username="porch", password_file=tmp_path / "none") as node:
        assert str(tmp_path / "none") in node.expect(BrokerLost).reason


def test_an_acl_that_forbids_our_topics_is_reported_once(start_broker: StartBroker) -> None:
    broker = start_broker(users={"porch": "x"}, acl="user porch\ntopic read pi_cam_node/#\n")
    with LinkHarness(broker.port, username="porch", password="x") as node:
        node.expect(BrokerConnected)
        node.announce(state("mode", "day"), state("lux", "3"))
        reason = node.expect(TopicsForbidden).reason
        assert f"publish on {TOPICS.state('mode')}, {TOPICS.state('lux')}, {TOPICS.availability}, " in reason
        assert "(Not authorized)" in reason
        assert node.drain() == []


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_settings_that_the_broker_keeps_from_the_node_are_reported_until_they_arrive(
    start_broker: StartBroker, protocol: str
) -> None:
    rights = "user porch\ntopic write pi_cam_node/#\ntopic read pi_cam_node/porch/availability\n"
    broker = start_broker(users={"porch": "x"}, acl=rights)  # mosquitto accepts the subscription all the same
    with LinkHarness(broker.port, username="porch", password="x", protocol=protocol) as node:
        for allowed in (False, True):
            node.expect(BrokerConnected)
            node.announce()
            reason = node.expect(TopicsForbidden).reason
            assert (f"publish or hear {TOPICS.set('#')} (" in reason) != allowed
            assert bool(reason) != allowed
            broker.stop()
            (broker.folder / "acl").write_text(f"{rights}topic read {TOPICS.set('#')}\n")
            broker.start()


@pytest.mark.promise("M8")
def test_a_message_larger_than_the_broker_takes_is_never_sent(start_broker: StartBroker) -> None:
    broker = start_broker(["max_packet_size 20000"])
    with broker.client() as client, LinkHarness(broker.port) as node:
        client.subscribe(f"{TOPICS.root}/#")
        node.expect(BrokerConnected)
        assert node.link.packet_limit_bytes == 20000
        node.announce(Message(TOPICS.media_image, bytes(100_000), retain=True), state("mode", "day"))
        client.wait_for(TOPICS.availability, "online")
        assert not node.link.publish(Message(TOPICS.media_image, bytes(20_000), retain=True))
        assert node.link.publish(Message(TOPICS.media_image, bytes(15_000), retain=True))
        client.wait_for(TOPICS.media_image, bytes(15_000))
        assert not node.link.publish(Message(TOPICS.media_image, bytes(50_000), retain=True))
        wait_until(lambda: client.latest(TOPICS.media_image) == b"", "the older picture to be taken away")
        assert node.link.sessions == 1
        assert node.link.figures()["messages_refused"] == 3


@pytest.mark.promise("M8")
def test_a_reply_larger_than_the_broker_takes_arrives_without_its_facts(start_broker: StartBroker) -> None:
    broker = start_broker(["max_packet_size 20000"])
    with broker.client() as client, LinkHarness(broker.port) as node:
        node.up(client)
        client.subscribe(TOPICS.reply("pastStack"))
        body = {"id": "a", "ok": True, "code": "ok", "message": "Saved " + "x" * 5000, "data": {"ids": ["y" * 30_000]}}
        node.link.publish(
            Message(TOPICS.reply("pastStack"), json.dumps(body).encode(), queue_offline=True, content_type=JSON)
        )
        (reply,) = client.wait_count(TOPICS.reply("pastStack"), 1)
        told = json.loads(reply.payload)
        assert (told["id"], told["ok"], told["code"], told["data"]) == (
            "a",
            True,
            "ok",
            {"why": "too large for the broker"},
        )
        assert told["message"].startswith("Saved xxx")
        assert len(told["message"]) < 300
        assert node.link.sessions == 1


@pytest.mark.promise("M8", "M9")
def test_a_message_the_broker_chokes_on_is_held_back(start_broker: StartBroker) -> None:
    broker = start_broker(["max_packet_size 20000"])
    birth = [state(f"key{number}", "x") for number in range(30)]
    birth.append(Message(TOPICS.media_image, bytes(100_000), retain=True))
    with broker.client() as client, LinkHarness(broker.port, protocol="3.1.1") as node:  # 3.1.1 does not tell the limit
        client.subscribe(TOPICS.availability)
        for _ in range(3):
            node.expect(BrokerConnected)
            node.announce(*birth)
            node.expect(BrokerLost)
        node.expect(BrokerConnected)
        node.announce(*birth)
        client.wait_for(TOPICS.availability, "online")
        assert node.link.sessions == 4


def test_two_clients_with_one_id_are_told_apart_from_a_bad_link(broker: Mosquitto) -> None:
    with LinkHarness(broker.port, client_id="twin") as node:
        for _ in range(5):
            node.expect(BrokerConnected)
            with broker.client(client_id="twin"):
                node.expect(BrokerLost)
        assert "'twin'" in node.expect(BrokerRefused).reason
        assert node.backoff.clash
        assert node.drain(0.5) == [], "from now on one try a minute"


def test_a_link_that_garbles_what_the_broker_says_is_no_second_client(broker: Mosquitto) -> None:
    with Proxy(broker.port, "garble") as proxy, LinkHarness(proxy.port) as node:
        for _ in range(8):
            node.expect(BrokerConnected)
            node.expect(BrokerLost)
        assert not node.backoff.clash
        proxy.manner = "serve"
        node.expect(BrokerConnected)
        assert node.drain(2.0) == [], "it stays"
