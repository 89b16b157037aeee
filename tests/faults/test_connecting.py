"""Brokers that do not answer, answer late, or cannot be resolved."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pi_cam_node.core.inputs import BrokerConnected, BrokerLost
from tests.support.broker import Mosquitto, wait_until
from tests.support.link_harness import LinkHarness
from tests.support.proxy import Proxy

pytestmark = pytest.mark.faults


@pytest.mark.short
@pytest.mark.promise("M4")
def test_a_broker_that_never_answers_is_given_up_and_tried_again(
    broker: Mosquitto, figure: Callable[[str], None]
) -> None:
    with Proxy(broker.port, "silent") as proxy, LinkHarness(proxy.port, protocol="5") as node:
        wait_until(lambda: proxy.versions, "the first attempt")
        began_s = time.monotonic()
        wait_until(lambda: len(proxy.versions) > 1, "the second attempt", 17)
        second_s = time.monotonic() - began_s
        assert "does not answer" in node.expect(BrokerLost).reason
        proxy.manner = "serve"
        node.expect(BrokerConnected, timeout_s=60)
    figure(f"second attempt {second_s:.1f} s after the first (at most 17)")
