"""The broker fixture does what the other tests rely on."""

from __future__ import annotations

import pytest

from tests.support.broker import Mosquitto, StartBroker


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
