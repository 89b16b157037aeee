"""The broker fixture itself."""

from __future__ import annotations

import pytest
from pytest_mock import MockerFixture

from tests.support import broker as broker_module
from tests.support import contract
from tests.support.broker import Mosquitto, Received, StartBroker, port_of, reserved_port


def test_a_message_reaches_its_subscriber(broker: Mosquitto) -> None:
    with broker.client() as client:
        client.subscribe("a/#")
        client.publish("a/b", "hello", reply_to="r", correlation=b"7")
        message = client.wait_for("a/b", "hello")
        assert (message.reply_to, message.correlation) == ("r", b"7")


def test_a_restarted_broker_has_forgotten_what_was_retained(broker: Mosquitto) -> None:
    with broker.client(protocol="3.1.1") as client:
        client.publish("kept", "1", retain=True)
    with broker.client() as client:
        assert client.subscribe("kept").wait_for("kept").retain
    broker.restart()
    with broker.client() as client:
        client.subscribe("#")
        client.publish("last", "x")
        client.wait_for("last")
        assert client.table() == {"last": b"x"}


def test_a_frozen_broker_answers_again_after_the_thaw(broker: Mosquitto) -> None:
    with broker.client() as client:
        client.subscribe("t")
        broker.freeze()
        client.publish("t", "x", qos=0)
        with pytest.raises(AssertionError, match="waited"):
            client.wait_for("t", timeout_s=0.2)
        broker.thaw()
        client.wait_for("t", "x")


def test_users_need_their_password_and_the_acl_holds(start_broker: StartBroker) -> None:
    broker = start_broker(users={"anna": "secret"}, acl="user anna\ntopic readwrite mine/#\n")
    with broker.client(username="anna", password="secret") as client:
        client.subscribe("#")
        client.publish("other/x", "1", qos=1)
        client.publish("mine/x", "2", qos=1)
        client.wait_for("mine/x")
        assert client.latest("other/x") is None
    with pytest.raises(ConnectionRefusedError), broker.client(username="anna", password="wrong"):
        pass


def test_what_a_test_publishes_is_not_judged_as_a_node_s_of_an_earlier_test_on_the_same_port(
    mocker: MockerFixture,
) -> None:
    number = Received("pi_cam_node/porch/reply/echo", b"0", 1, False, 0.0, None, None, None, ())
    with reserved_port() as sock:
        port = port_of(sock)
    contract.node_runs(port, "pi_cam_node", "porch")
    with pytest.raises(AssertionError, match="no reply: b'0'"):
        contract.check_messages(port, [number])
    mocker.patch.object(broker_module, "port_of", return_value=port)  # the system gives it away once more
    reserved_port().close()
    contract.check_messages(port, [number])
