"""Building and parsing of topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.mqtt.messages.topics import Notice, ParsedCommand, Topics

TOPICS = Topics("site/cams", "porch", ["garden", "front"], "homeassistant", "homeassistant/status")


def matches(topic_filter: str, topic: str) -> bool:
    """Say whether an MQTT filter covers a topic (section 4.7 of the standard)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for position, part in enumerate(wanted):
        if part == "#":
            return True
        if position >= len(levels) or part not in ("+", levels[position]):
            return False
    return len(wanted) == len(levels) or wanted[len(levels) :] == ["#"]


@pytest.mark.parametrize(
    ("topic", "wanted"),
    [
        (TOPICS.availability, "availability"),
        (TOPICS.camera_availability, "camera/availability"),
        (TOPICS.info, "info"),
        (TOPICS.state("mode"), "state/mode"),
        (TOPICS.config("night.gain"), "config/night.gain"),
        (TOPICS.telemetry, "telemetry"),
        (TOPICS.event("mode_changed"), "event/mode_changed"),
        (TOPICS.media_last, "media/last"),
        (TOPICS.media_image, "media/last/image"),
        (TOPICS.media_thumbnail, "media/thumbnail"),
        (TOPICS.frame, "frame"),
        (TOPICS.shortstream, "shortstream"),
        (TOPICS.cmd_line, "cmd"),
        (TOPICS.cmd("save"), "cmd/save"),
        (TOPICS.set("night.gain"), "set/night.gain"),
        (TOPICS.reply("pastStack"), "reply/pastStack"),
    ],
)
def test_a_topic_of_the_node_is_that_of_the_contract(topic: str, wanted: str) -> None:
    assert topic == f"site/cams/porch/{wanted}"


def test_the_discovery_topic_is_home_assistants() -> None:
    assert TOPICS.discovery("x") == "homeassistant/device/x/config"
    assert TOPICS.own_discovery == "homeassistant/device/pi_cam_node_porch/config"


@pytest.mark.parametrize("verb", ["", "no-verb", "a/b", "#", "+", "save\n", "Ä", "v" * 33, "save jpg"])
def test_replies_to_what_cannot_be_a_verb_go_to_unknown(verb: str) -> None:
    assert TOPICS.reply(verb) == "site/cams/porch/reply/unknown"


def test_subscriptions_are_those_of_the_contract() -> None:
    assert set(TOPICS.subscriptions()) == {
        "site/cams/porch/cmd",
        "site/cams/porch/cmd/+",
        "site/cams/porch/set/#",
        "site/cams/all/cmd/+",
        "site/cams/group/garden/cmd/+",
        "site/cams/group/front/cmd/+",
        "homeassistant/status",
        "site/cams/porch/availability",
        "homeassistant/device/pi_cam_node_porch/config",
        "site/cams/porch/info",
    }


@pytest.mark.parametrize(
    ("topic", "meaning"),
    [
        ("site/cams/porch/cmd", ParsedCommand("")),
        ("site/cams/porch/cmd/save", ParsedCommand("save")),
        ("site/cams/porch/cmd/", ParsedCommand("")),
        ("site/cams/porch/set/night.gain", ParsedCommand("set", "night.gain")),
        ("site/cams/porch/set", ParsedCommand("set", "")),
        ("site/cams/porch/set/", ParsedCommand("set", "")),
        ("site/cams/porch/set/night/gain", ParsedCommand("set", "night.gain")),
        ("site/cams/porch/set/night.gain 64\n", ParsedCommand("set", "night.gain_64")),
        ("site/cams/all/cmd/health", ParsedCommand("health")),
        ("site/cams/group/garden/cmd/save", ParsedCommand("save")),
        ("homeassistant/status", Notice.HOME_ASSISTANT),
        ("site/cams/porch/availability", Notice.OWN_AVAILABILITY),
        ("homeassistant/device/pi_cam_node_porch/config", Notice.OWN_DISCOVERY),
    ],
)
def test_what_is_meant_for_the_node_is_understood(topic: str, meaning: object) -> None:
    assert TOPICS.parse(topic) == meaning
    assert any(matches(subscription, topic) for subscription in TOPICS.subscriptions())


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "site/cams/porch/cmd/a/b",
        "site/cams/porch/cmdx",
        "site/cams/porch/settings",
        "site/cams/porch/state/mode",
        "site/cams/porch2/cmd/save",
        "site/cams/all/cmd",
        "site/cams/all/cmd/a/b",
        "site/cams/group/other/cmd/save",
        "site/cams/group/garden/set/night.gain",
        "homeassistant/device/pi_cam_node_other/config",
    ],
)
def test_what_is_not_for_the_node_means_nothing(topic: str) -> None:
    assert TOPICS.parse(topic) is None


@given(st.text(alphabet="abcdmnostpuhrg/+#._ \n", max_size=40).map(lambda tail: "site/cams/" + tail) | st.text())
def test_only_what_is_subscribed_to_is_understood(topic: str) -> None:
    is_subscribed = any(matches(subscription, topic) for subscription in TOPICS.subscriptions())
    assert (TOPICS.parse(topic) is not None) == is_subscribed


@pytest.mark.parametrize(
    ("topic", "may"),
    [
        ("asker/replies/7", True),
        ("site/cams/porch/reply/me", True),
        ("site/camsite", True),
        (None, False),
        ("", False),
        ("asker/+", False),
        ("asker/#", False),
        ("a\0b", False),
        ("$SYS/x", False),
        ("site/cams", False),
        ("site/cams/porch/state/mode", False),
        ("site/cams/porch/cmd/restart", False),
        ("site/cams/all/cmd/restart", False),
        ("site/cams/other/cmd/restart", False),
    ],
)
def test_a_reply_neither_commands_nor_passes_for_state(topic: str | None, may: bool) -> None:
    assert TOPICS.may_reply_to(topic) is may


def test_a_request_s_own_reply_topic_is_allowed_and_read_by_the_filter_of_all_replies() -> None:
    topic = TOPICS.reply_to("call-3f2a91c0")
    assert TOPICS.may_reply_to(topic)
    assert matches(f"{TOPICS.root}/reply/+", topic)


def test_the_probe_of_dots_is_no_command_however_it_comes_back() -> None:
    topics = Topics("pi_cam_node", "porch", (), "homeassistant", "homeassistant/status")
    assert topics.dots_in("pi_cam_node/porch/set/probe.dots") is True
    assert topics.dots_in("pi_cam_node/porch/set/probe/dots") is False
    assert topics.dots_in("pi_cam_node/porch/set/night.gain") is None
    assert topics.parse("pi_cam_node/porch/set/probe.dots") is None
    assert topics.parse("pi_cam_node/porch/set/probe/dots") is None


def test_values_are_published_with_slashes_where_dots_do_not_arrive() -> None:
    topics = Topics("pi_cam_node", "porch", (), "homeassistant", "homeassistant/status")
    assert topics.config("ring.downscale.width") == "pi_cam_node/porch/config/ring.downscale.width"
    topics.has_dots = False
    assert topics.config("ring.downscale.width") == "pi_cam_node/porch/config/ring/downscale/width"
    assert topics.set("night.gain") == "pi_cam_node/porch/set/night.gain", "the broker turns it anyway"
