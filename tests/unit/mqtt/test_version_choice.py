"""Which version of MQTT is spoken next."""

from __future__ import annotations

import pytest

from pi_cam_node.mqtt.reconnect import Cause, ProtocolChoice


@pytest.mark.parametrize("cause", ["version", "silence"])
def test_a_broker_without_mqtt_5_gets_3_1_1_at_once(cause: Cause) -> None:
    choice = ProtocolChoice("auto")
    first = choice.version
    assert choice.failed(cause)
    assert [first, choice.version] == ["5", "3.1.1"]


@pytest.mark.parametrize("cause", ["network", "credentials"])
def test_other_failures_say_nothing_of_the_version(cause: Cause) -> None:
    choice = ProtocolChoice("auto")
    assert not choice.failed(cause)
    assert choice.version == "5"


def test_silence_to_both_leads_back_to_5_after_a_wait() -> None:
    choice = ProtocolChoice("auto")
    choice.failed("silence")
    assert not choice.failed("silence")
    assert choice.version == "5"


@pytest.mark.parametrize("refused_first", [True, False])
def test_what_worked_survives_silence(refused_first: bool) -> None:
    choice = ProtocolChoice("auto")
    if refused_first:
        choice.failed("version")
    worked = choice.version
    choice.accepted()
    for _ in range(3):
        assert not choice.failed("silence")
    assert choice.version == worked


def test_a_refusal_counts_even_where_the_version_once_worked() -> None:
    choice = ProtocolChoice("auto")
    choice.accepted()
    assert choice.failed("version")
    assert choice.version == "3.1.1"


@pytest.mark.parametrize("setting", ["5", "3.1.1"])
def test_a_fixed_version_stays(setting: str) -> None:
    choice = ProtocolChoice(setting)  # type: ignore[arg-type]
    assert not choice.failed("version")
    assert choice.version == setting
