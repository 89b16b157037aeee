"""Choice of MQTT 5 or 3.1.1 with a real broker."""

from __future__ import annotations

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.core.inputs import BrokerConnected, BrokerLost, CommandArrived
from pi_cam_node.mqtt.connection import session as session_module
from tests.support.broker import Mosquitto, wait_until
from tests.support.link_harness import TOPICS, LinkHarness
from tests.support.proxy import Manner, Proxy


@pytest.mark.parametrize("manner", ["refuse-5-as-5", "refuse-5-as-3", "hang-up-on-5", "silent-on-5"])
def test_auto_falls_back_and_remembers_what_worked(broker: Mosquitto, manner: Manner, mocker: MockerFixture) -> None:
    mocker.patch.object(session_module, "CONNACK_TIMEOUT_S", 0.5)
    with broker.client() as client, Proxy(broker.port, manner) as proxy, LinkHarness(proxy.port) as node:
        assert node.up(client).protocol == "3.1.1"
        client.publish(TOPICS.cmd("help"), reply_to="asker", correlation=b"1")
        arrival = node.expect(CommandArrived)
        assert (arrival.verb, arrival.reply_to, arrival.correlation) == ("help", None, None)
        proxy.cut()
        assert node.expect(BrokerConnected).protocol == "3.1.1"
        assert proxy.versions == [5, 4, 4]


def test_a_broker_that_answers_neither_is_asked_for_mqtt_5_again(broker: Mosquitto, mocker: MockerFixture) -> None:
    mocker.patch.object(session_module, "CONNACK_TIMEOUT_S", 0.3)
    with Proxy(broker.port, "silent") as proxy, LinkHarness(proxy.port) as node:
        assert "does not answer" in node.expect(BrokerLost).reason
        wait_until(lambda: proxy.versions == [5, 4], "both versions to be tried")
        proxy.manner = "serve"
        assert node.expect(BrokerConnected).protocol == "5"


def test_a_broker_known_for_mqtt_5_may_hang_without_losing_it(broker: Mosquitto, mocker: MockerFixture) -> None:
    mocker.patch.object(session_module, "CONNACK_TIMEOUT_S", 0.3)
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port) as node:
        assert node.expect(BrokerConnected).protocol == "5"
        proxy.manner = "silent"
        proxy.cut()
        node.expect(BrokerLost, lambda lost: "does not answer" in lost.reason)
        proxy.manner = "serve"
        assert node.expect(BrokerConnected).protocol == "5"
        assert set(proxy.versions) == {5}


def test_a_fixed_version_is_not_changed(broker: Mosquitto) -> None:
    with Proxy(broker.port, "refuse-5-as-5") as proxy, LinkHarness(proxy.port, protocol="5") as node:
        assert "Unsupported protocol version" in node.expect(BrokerLost).reason
        assert node.drain() == []
        assert set(proxy.versions) == {5}
    with Proxy(broker.port) as proxy, LinkHarness(proxy.port, protocol="3.1.1") as node:
        assert node.expect(BrokerConnected).protocol == "3.1.1"
        assert proxy.versions == [4]
