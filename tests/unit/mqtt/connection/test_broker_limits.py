"""Limits announced in CONNACK."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits, limits_of
from pi_cam_node.mqtt.connection.disconnect import broker_words


def test_what_is_not_told_is_the_standards_default() -> None:
    assert limits_of(None) == limits_of(SimpleNamespace()) == BrokerLimits()
    assert list(BrokerLimits().consequences()) == []


def test_everything_that_is_told_is_read() -> None:
    told = SimpleNamespace(
        ReceiveMaximum=3,
        MaximumQoS=0,
        RetainAvailable=0,
        WildcardSubscriptionAvailable=0,
        MaximumPacketSize=9000,
        ServerKeepAlive=30,
        AssignedClientIdentifier="x",
    )
    limits = limits_of(told)
    assert limits == BrokerLimits(3, 0, False, False, 9000, 30, "x")
    assert len(list(limits.consequences())) == 3


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Quota exceeded"),
        ({"ReasonString": "too\nmany\tfilters"}, "Quota exceeded (too many filters)"),
        ({"ServerReference": "b2.example"}, "Quota exceeded (use b2.example)"),
        ({"ReasonString": "x" * 5000}, f"Quota exceeded ({'x' * 120})"),
    ],
)
def test_the_brokers_own_words_are_told_on_one_line(said: dict[str, str], words: str) -> None:
    assert broker_words("Quota exceeded", SimpleNamespace(**said)) == words
