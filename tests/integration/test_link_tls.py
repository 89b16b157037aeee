"""TLS to the broker: verification of certificate and name, and client certificates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pi_cam_node.core.inputs import BrokerConnected, BrokerLost
from tests.support.broker import Mosquitto, StartBroker
from tests.support.certificates import Authority
from tests.support.link_harness import TOPICS, LinkHarness

Figure = Callable[[str], None]


def tls_broker(start_broker: StartBroker, cert: tuple[Path, Path], *more: str) -> Mosquitto:
    return start_broker([f"certfile {cert[0]}", f"keyfile {cert[1]}", *more])


def test_the_right_authority_and_name_connect(start_broker: StartBroker, authority: Authority) -> None:
    broker = tls_broker(start_broker, authority.issue("localhost"))
    tls = {"enable": True, "ca": authority.ca}
    with (
        broker.client(host="localhost", ca=authority.ca) as client,
        LinkHarness(broker.port, host="localhost", tls=tls) as node,
    ):
        assert node.up(client).protocol == "5"
        client.publish(TOPICS.cmd("help"))
        assert node.link.figures()["connected"]


@pytest.mark.promise("M24")
def test_another_authority_is_refused(
    start_broker: StartBroker, authority: Authority, tmp_path: Path, figure: Figure
) -> None:
    broker = tls_broker(start_broker, authority.issue("localhost"))
    stranger = Authority(tmp_path, "other-ca")
    for tls in ({"enable": True, "ca": stranger.ca}, {"enable": True}):
        with LinkHarness(broker.port, host="localhost", tls=tls) as node:
            assert "unable to get local issuer certificate" in node.expect(BrokerLost).reason
            assert node.link.sessions == 0
    figure("another authority: refused")


@pytest.mark.promise("M24")
def test_another_host_name_is_refused(start_broker: StartBroker, authority: Authority, figure: Figure) -> None:
    broker = tls_broker(start_broker, authority.issue("broker.example"))
    with LinkHarness(broker.port, host="localhost", tls={"enable": True, "ca": authority.ca}) as node:
        assert "not valid for 'localhost'" in node.expect(BrokerLost).reason
    figure("another host name: refused")


@pytest.mark.promise("M24")
def test_an_expired_certificate_is_refused(start_broker: StartBroker, authority: Authority, figure: Figure) -> None:
    broker = tls_broker(start_broker, authority.issue("localhost", days=-1))
    with LinkHarness(broker.port, host="localhost", tls={"enable": True, "ca": authority.ca}) as node:
        assert "expired" in node.expect(BrokerLost).reason
    figure("expired: refused")


@pytest.mark.promise("M24")
def test_a_self_signed_certificate_is_refused(start_broker: StartBroker, authority: Authority, figure: Figure) -> None:
    broker = tls_broker(start_broker, (authority.ca, authority.ca.with_suffix(".key")))
    with LinkHarness(broker.port, host="localhost", tls={"enable": True}) as node:
        assert "self-signed certificate" in node.expect(BrokerLost).reason
    figure("self-signed: refused")


@pytest.mark.promise("M24")
def test_there_is_no_fallback_to_plain_text(broker: Mosquitto, figure: Figure) -> None:
    with LinkHarness(broker.port, host="localhost", tls={"enable": True}) as node:
        node.expect(BrokerLost)
        assert node.drain() == []
        assert node.link.sessions == 0
    figure("no TLS at the broker: no session")


def test_our_own_certificate_is_shown(start_broker: StartBroker, authority: Authority) -> None:
    lines = (f"cafile {authority.ca}", "require_certificate true", "use_identity_as_username true")
    broker = tls_broker(start_broker, authority.issue("localhost"), *lines)
    cert, key = authority.issue("porch")
    with LinkHarness(broker.port, host="localhost", tls={"enable": True, "ca": authority.ca}) as node:
        node.expect(BrokerLost)
        assert node.link.sessions == 0
    tls = {"enable": True, "ca": authority.ca, "cert": cert, "key": key}
    with LinkHarness(broker.port, host="localhost", tls=tls) as node:
        node.expect(BrokerConnected)
    assert "u'porch'" in broker.log()


def test_a_missing_authority_file_is_named(broker: Mosquitto, tmp_path: Path) -> None:
    with LinkHarness(broker.port, tls={"enable": True, "ca": tmp_path / "none.crt"}) as node:
        assert "none.crt" in node.expect(BrokerLost).reason


def test_a_file_that_is_no_certificate_is_named_with_its_setting(broker: Mosquitto, authority: Authority) -> None:
    cert, key = authority.issue("porch")
    (_, other_key) = authority.issue("yard")
    pair = "mqtt.tls.cert and mqtt.tls.key are no certificate in PEM form and its key, which has no password"
    for more, told in (
        ({"ca": key}, f"mqtt.tls.ca holds no certificate in PEM form ({key})"),
        ({"cert": cert, "key": other_key}, f"{pair} ({cert})"),
    ):
        with LinkHarness(broker.port, tls={"enable": True, **more}) as node:
            assert node.expect(BrokerLost).reason == told
