"""Negotiation of version, last will and window."""

from __future__ import annotations

from typing import Literal

import pytest

from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits
from pi_cam_node.mqtt.connection.disconnect import Cause, Disconnect
from pi_cam_node.mqtt.connection.negotiation import WINDOW, ConnectOptions, Negotiation

PLAIN = BrokerLimits()
Setting = Literal["auto", "5", "3.1.1"]


def will(negotiation: Negotiation) -> tuple[bool, int]:
    return negotiation.options.will_retain, negotiation.options.will_qos


@pytest.mark.parametrize("cause", ["version", "silence", "hangup"])
def test_a_broker_without_mqtt_5_gets_3_1_1_at_once(cause: Cause) -> None:
    negotiation = Negotiation("auto")
    first = negotiation.version
    assert negotiation.failed(cause)
    assert [first, negotiation.version] == ["5", "3.1.1"]
    assert negotiation.change_since(ConnectOptions("5")) == "MQTT 3.1.1"


@pytest.mark.parametrize("cause", ["network", "credentials"])
def test_other_failures_say_nothing_of_the_version(cause: Cause) -> None:
    negotiation = Negotiation("auto")
    assert not negotiation.failed(cause)
    assert negotiation.options == ConnectOptions("5")


def test_silence_to_both_leads_back_to_5_after_a_wait() -> None:
    negotiation = Negotiation("auto")
    negotiation.failed("silence")
    assert not negotiation.failed("silence")
    assert negotiation.version == "5"


@pytest.mark.parametrize("refused_first", [True, False])
@pytest.mark.parametrize("cause", ["silence", "hangup"])
def test_what_worked_survives_silence(refused_first: bool, cause: Cause) -> None:
    negotiation = Negotiation("auto")
    if refused_first:
        negotiation.failed("version")
    worked = negotiation.options
    assert negotiation.accepted(PLAIN)
    for _ in range(3):
        assert not negotiation.failed(cause)
    assert negotiation.options == worked


def test_a_refusal_counts_even_where_the_version_once_worked() -> None:
    negotiation = Negotiation("auto")
    negotiation.accepted(PLAIN)
    assert negotiation.failed("version")
    assert negotiation.version == "3.1.1"


@pytest.mark.parametrize("setting", ["5", "3.1.1"])
@pytest.mark.parametrize("cause", ["version", "silence", "hangup"])
def test_a_fixed_version_stays(setting: Setting, cause: Cause) -> None:
    negotiation = Negotiation(setting)
    for _ in range(5):
        assert not negotiation.failed(cause)
        assert negotiation.version == setting


def test_a_will_that_the_broker_refuses_is_made_weaker_at_once() -> None:
    negotiation = Negotiation("auto")
    assert negotiation.failed("retain")
    assert will(negotiation) == (False, 1)
    assert negotiation.failed("qos")
    assert will(negotiation) == (False, 0)
    assert not negotiation.failed("qos"), "it was refused again: not at once"
    assert negotiation.accepted(PLAIN)


def test_over_3_1_1_a_hang_up_may_mean_the_will_which_is_verified_before_it_is_believed() -> None:
    negotiation = Negotiation("3.1.1")
    assert not negotiation.failed("hangup")
    assert will(negotiation) == (False, 1)
    assert not negotiation.accepted(PLAIN), "once more with the full will"
    assert will(negotiation) == (True, 1)
    assert negotiation.failed("hangup"), "so it was the will"
    assert will(negotiation) == (False, 1)
    assert negotiation.accepted(PLAIN)


def test_a_proxy_that_hung_up_while_its_broker_was_away_costs_no_retained_messages() -> None:
    negotiation = Negotiation("auto")
    for _ in range(4):
        negotiation.failed("hangup")
    while not negotiation.accepted(PLAIN):
        pass
    assert will(negotiation) == (True, 1)


def test_every_version_and_will_is_tried_at_a_broker_that_hangs_up() -> None:
    negotiation, tried = Negotiation("auto"), []
    for _ in range(4):
        tried.append((negotiation.version, *will(negotiation)))
        negotiation.failed("hangup")
    assert tried == [("5", True, 1), ("3.1.1", True, 1), ("3.1.1", False, 1), ("3.1.1", False, 0)]
    assert (negotiation.version, *will(negotiation)) == tried[0]


def test_a_broker_that_was_away_is_asked_for_everything_again() -> None:
    negotiation = Negotiation("auto")
    negotiation.failed("retain")
    negotiation.failed("network")
    assert will(negotiation) == (True, 1)


@pytest.mark.parametrize("setting", ["auto", "3.1.1"])
def test_a_broker_of_3_1_1_that_was_away_is_asked_for_less_again_where_it_hangs_up_again(setting: Setting) -> None:
    negotiation = Negotiation(setting)
    negotiation.failed("version")

    def connections_needed() -> int:
        for count in range(1, 10):
            if negotiation.options.will_retain:
                negotiation.failed("hangup")
            elif negotiation.accepted(PLAIN):
                return count
        return 10

    assert connections_needed() == 4
    negotiation.failed("network")
    assert will(negotiation) == (True, 1)
    assert connections_needed() == 4
    assert negotiation.version == "3.1.1"


def test_a_smaller_window_is_taken_over_with_the_next_connection_at_once() -> None:
    negotiation = Negotiation("auto")
    assert negotiation.options.window == WINDOW
    assert not negotiation.accepted(BrokerLimits(receive_maximum=3))
    assert negotiation.options.window == 3
    assert negotiation.accepted(BrokerLimits(receive_maximum=3))


def ended(**more: object) -> Disconnect:
    return Disconnect("it broke", "malformed", 0.1, **more)  # type: ignore[arg-type]


def test_two_short_sessions_of_mqtt_5_in_which_nothing_worked_lead_to_3_1_1() -> None:
    negotiation = Negotiation("auto")
    negotiation.accepted(PLAIN)
    assert not negotiation.ended(ended())
    assert negotiation.ended(ended(subscribed=True)), "it cannot read the acknowledgements"
    assert negotiation.version == "3.1.1"


def test_a_session_that_worked_speaks_for_mqtt_5_for_good() -> None:
    negotiation = Negotiation("auto")
    negotiation.ended(ended(subscribed=True, acknowledged=1))
    for _ in range(5):
        assert not negotiation.ended(ended())
    assert negotiation.version == "5"


def test_a_session_that_the_node_gave_up_says_nothing_of_the_version() -> None:
    negotiation = Negotiation("auto")
    for _ in range(5):
        assert not negotiation.ended(ended(gave_up=True))


@pytest.mark.parametrize(("cause", "wanted"), [("retain", (False, 1)), ("qos", (True, 0))])
def test_what_a_broker_refuses_within_a_session_is_left_out_of_the_next(cause: Cause, wanted: tuple[bool, int]) -> None:
    negotiation = Negotiation("auto")
    negotiation.accepted(PLAIN)
    end = Disconnect("it says why", cause, 0.1, subscribed=True)
    assert negotiation.ended(end)
    assert (negotiation.version, will(negotiation)) == ("5", wanted)
    assert negotiation.accepted(PLAIN), "it was told, and needs no proof"
    assert not negotiation.ended(end), "nothing else is left to be tried at once"
