"""Published messages and their order."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from copy import copy
from dataclasses import replace
from typing import Any

from pi_cam_node.config import Config
from pi_cam_node.core.events import BrightnessMeasured, CameraChanged, LiveFrameDue, ModeChanged, SettingChanged
from pi_cam_node.core.inputs import (
    BrokerConnected,
    CameraOpened,
    DiscoveryFound,
    HomeAssistantStarted,
    StaleWillSeen,
    TopicDotsSeen,
)
from pi_cam_node.imaging.frame import Demand
from pi_cam_node.mqtt.announcer import ANY_BYTES, Announcer
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.topics import Topics
from tests.support.core_harness import CoreHarness
from tests.support.fakes.clock import FakeClock, run_due

TOPICS = Topics("pi_cam_node", "porch", (), "homeassistant", "homeassistant/status")
OPENED = CameraOpened("picamera2:imx219", (1024, 768), controls=True)
DISCOVERY = "homeassistant/device/pi_cam_node_porch/config"


class Wire:
    """Stands for the link: what it was given, in order."""

    def __init__(self) -> None:
        self.is_connected = False
        self.packet_limit_bytes: int | None = None
        self.retains = True
        self.sent: list[Message] = []
        self.births: list[list[Message]] = []
        self.last_message: Message | None = None

    def publish(self, message: Message) -> bool:
        self.sent.append(message)
        return self.is_connected

    def announce(self, messages: Iterable[Message]) -> None:
        self.births.append(list(messages))

    def close(self, last_message: Message | None, _deadline_s: float) -> None:
        self.last_message = last_message


class Told:
    """A announcer, its wire and its clock."""

    def __init__(
        self, undecided: Callable[[Config], Collection[str]] = lambda _config: (), topics: Topics = TOPICS
    ) -> None:
        self.wire = Wire()
        self.clock = FakeClock()
        self.config = Config()
        self.components: dict[str, Any] = {"mode": {"platform": "sensor"}}
        wire: Any = self.wire
        self.announcer = Announcer(
            topics,
            wire,
            self.clock,
            lambda: self.config,
            lambda session: {"session": session},
            self._discovery,
            undecided,
            lambda mono_s, demand: self.demands.append((mono_s, demand)),
        )
        self.demands: list[tuple[float, Demand]] = []
        self.announcer.start()
        self.wire.sent.clear()

    def _discovery(self, _config: Config) -> dict[str, Any]:
        return {"components": self.components}

    def topics(self) -> list[str]:
        return [message.topic.removeprefix("pi_cam_node/porch/") for message in self.wire.sent]


def test_the_birth_comes_in_the_contracted_order() -> None:
    told = Told()
    told.announcer.on_event(BrokerConnected("5", 3))
    topics = [message.topic.removeprefix("pi_cam_node/porch/") for message in told.wire.births[0]]
    groups = [topic.split("/")[0] for topic in topics]
    assert topics[0] == "info"
    assert json.loads(told.wire.births[0][0].payload) == {"session": 3}
    assert topics[-3:] == [DISCOVERY, "camera/availability", "availability"]
    assert groups.index("config") < groups.index("state") < groups.index("homeassistant")
    assert told.wire.births[0][-1].payload == b"online"
    assert all(message.retain and message.qos == 1 for message in told.wire.births[0])


def test_every_birth_tells_what_is_and_not_what_was_configured() -> None:
    told = Told()
    at = told.clock.utcnow()
    told.announcer.on_event(ModeChanged("night", "light", at))
    told.announcer.on_event(CameraChanged(online=True, reason="frames arrive", at=at))
    told.announcer.on_event(BrokerConnected("5", 1))
    told.announcer.on_event(BrokerConnected("5", 2))
    for birth in told.wire.births:
        table = {message.topic: message.payload for message in birth}
        assert table[TOPICS.state("mode")] == b"night"
        assert table[TOPICS.camera_availability] == b"online"


def test_before_the_first_frame_nothing_is_claimed() -> None:
    told = Told()
    told.announcer.on_event(BrokerConnected("5", 1))
    table = {message.topic: message.payload for message in told.wire.births[0]}
    assert table[TOPICS.camera_availability] == b"offline"
    assert table[TOPICS.state("mode")] == b""
    assert table[TOPICS.state("brightness")] == b""
    assert table[TOPICS.state("motion")] == b"OFF"


def test_an_unchanged_state_is_not_published_again() -> None:
    told = Told()
    for level in (100.0, 100.0, 101.0):
        told.announcer.on_event(BrightnessMeasured(level, None))
    assert [m.payload for m in told.wire.sent if m.topic == TOPICS.state("brightness")] == [b"100.0", b"101.0"]


def test_states_are_refreshed_slowly_but_pictures_are_not() -> None:
    told = Told()
    told.clock.advance(601)
    run_due(told.announcer, told.clock)
    assert TOPICS.info in [m.topic for m in told.wire.sent]
    assert TOPICS.media_image not in [m.topic for m in told.wire.sent]
    told.wire.sent.clear()
    told.clock.advance(300)
    run_due(told.announcer, told.clock)
    assert told.wire.sent == []


def test_home_assistants_birth_brings_everything_twice() -> None:
    told = Told()
    told.announcer.on_event(HomeAssistantStarted())
    assert DISCOVERY in told.topics()
    told.wire.sent.clear()
    told.clock.advance(1.6)
    run_due(told.announcer, told.clock)
    assert "state/last_error" in told.topics()


def test_components_of_an_earlier_life_are_emptied_first() -> None:
    told = Told()
    earlier = {"components": {"mode": {"platform": "sensor"}, "gone": {"platform": "switch"}}}
    told.announcer.on_event(DiscoveryFound(json.dumps(earlier).encode()))
    bodies = [json.loads(message.payload) for message in told.wire.sent]
    assert bodies[0]["components"]["gone"] == {"platform": "switch"}
    assert "gone" not in bodies[1]["components"]


def test_components_that_the_camera_may_have_stay_until_it_is_open() -> None:
    undecided = {"lux", "camera_awb"}
    told = Told(undecided=lambda _config: undecided)
    earlier = {"components": {"lux": {"platform": "sensor"}, "camera_awb": {"platform": "select"}}}
    told.announcer.on_event(DiscoveryFound(json.dumps(earlier).encode()))
    assert told.wire.sent == []
    undecided.clear()
    told.components["lux"] = {"platform": "sensor"}
    told.announcer.on_event(OPENED)
    bodies = [json.loads(m.payload)["components"] for m in told.wire.sent if m.topic == TOPICS.own_discovery]
    assert bodies[0]["camera_awb"] == {"platform": "select"}, "the camera has none"
    assert "camera_awb" not in bodies[-1]
    assert all(body["lux"] == {"platform": "sensor"} for body in bodies)


def test_a_camera_that_has_none_of_them_leaves_no_removal_behind() -> None:
    undecided = {"lux"}
    told = Told(undecided=lambda _config: undecided)
    told.announcer.on_event(DiscoveryFound(b'{"components":{"lux":{"platform":"sensor"}}}'))
    undecided.clear()
    told.announcer.on_event(OPENED)
    bodies = [json.loads(m.payload)["components"] for m in told.wire.sent if m.topic == TOPICS.own_discovery]
    assert ["lux" in body for body in bodies] == [True, False]


def test_the_same_discovery_is_left_alone() -> None:
    told = Told()
    told.announcer.on_event(DiscoveryFound(b'{"components":{"mode":{"platform":"sensor"}}}'))
    told.announcer.on_event(DiscoveryFound(b"\xff garbage"))
    assert told.wire.sent == []


def test_a_late_will_is_contradicted_with_all_that_another_node_may_have_said() -> None:
    told = Told()
    told.announcer.on_event(StaleWillSeen())
    assert (told.wire.sent[0].topic, told.wire.sent[0].payload) == (TOPICS.availability, b"online")
    assert TOPICS.camera_availability in [message.topic for message in told.wire.sent]


def test_no_live_picture_waits_for_a_broker_that_is_away() -> None:
    told = Told()
    frame = CoreHarness().frame()
    told.announcer.on_event(LiveFrameDue(frame))
    assert told.wire.sent == []
    told.wire.is_connected = True
    told.announcer.on_event(LiveFrameDue(frame))
    assert [m.topic for m in told.wire.sent] == [TOPICS.frame]


def test_a_live_picture_that_the_broker_does_not_take_comes_smaller_with_another_frame() -> None:
    told = Told()
    told.wire.is_connected, told.wire.packet_limit_bytes = True, 1000
    frame = replace(CoreHarness().frame(), jpeg=bytes(5000))
    told.announcer.on_event(LiveFrameDue(frame))
    assert told.wire.sent == []
    [(after_mono_s, demand)] = told.demands
    assert after_mono_s == frame.exposed_mono_s
    assert demand.preview_bytes is not None
    assert 800 < demand.preview_bytes < 1000
    told.announcer.on_event(LiveFrameDue(replace(frame, preview=b"small")))
    assert [(m.topic, m.payload) for m in told.wire.sent] == [(TOPICS.frame, b"small")]
    told.announcer.on_event(LiveFrameDue(replace(frame, preview=bytes(1001))))
    assert len(told.wire.sent) == len(told.demands) == 1


def test_a_wide_live_picture_comes_smaller_with_the_next_frame() -> None:
    told = Told()
    told.wire.is_connected = True
    frame = replace(CoreHarness().frame(), size=(1024, 768))
    told.announcer.on_event(LiveFrameDue(frame))
    assert told.wire.sent == []
    demand = Demand(preview_bytes=ANY_BYTES, preview_px=640, times=60, every_s=1.0)
    assert told.demands == [(frame.exposed_mono_s, demand)]
    told.announcer.on_event(LiveFrameDue(replace(frame, preview=b"small")))
    assert [(m.topic, m.payload) for m in told.wire.sent] == [(TOPICS.frame, b"small")]


def test_small_live_pictures_are_demanded_again_once_none_comes_or_another_kind_is_wanted() -> None:
    told = Told()
    told.wire.is_connected = True
    whole = replace(CoreHarness().frame(), size=(1024, 768))
    small = replace(whole, preview=b"small")
    for frame in (whole, small, small, small):
        told.announcer.on_event(LiveFrameDue(frame))
    assert (len(told.wire.sent), len(told.demands)) == (3, 1)
    told.announcer.on_event(LiveFrameDue(whole))
    assert len(told.demands) == 2, "the camera was opened again, or all of them have come"
    told.config = Config.model_validate({"homeassistant": {"camera_fps": 2, "camera_width": 320}})
    told.announcer.on_event(LiveFrameDue(small))
    told.announcer.on_event(LiveFrameDue(small))
    [*_, (_, demand)] = told.demands
    assert (len(told.demands), demand.preview_px, demand.every_s) == (3, 320, 0.5)


def test_a_small_picture_that_is_wanted_no_more_does_not_pass_for_the_whole_one() -> None:
    told = Told()
    told.wire.is_connected = True
    told.config = Config.model_validate({"homeassistant": {"camera_width": 0}})
    frame = replace(CoreHarness().frame(), size=(1024, 768), preview=b"small")
    told.announcer.on_event(LiveFrameDue(frame))
    assert ([m.payload for m in told.wire.sent], told.demands) == ([frame.jpeg], [])


def test_live_pictures_are_as_wide_as_the_cameras_where_that_is_asked() -> None:
    told = Told()
    told.wire.is_connected = True
    told.config = Config.model_validate({"homeassistant": {"camera_width": 0}})
    frame = replace(CoreHarness().frame(), size=(1024, 768))
    told.announcer.on_event(LiveFrameDue(frame))
    assert ([m.payload for m in told.wire.sent], told.demands) == ([frame.jpeg], [])


def test_a_broker_that_takes_no_picture_at_all_gets_none() -> None:
    told = Told()
    told.wire.is_connected, told.wire.packet_limit_bytes = True, 30
    told.announcer.on_event(LiveFrameDue(CoreHarness().frame()))
    assert (told.wire.sent, told.demands) == ([], [])


def test_the_farewell_says_that_camera_and_node_go() -> None:
    told = Told()
    told.announcer.on_event(CameraChanged(online=True, reason="frames arrive", at=told.clock.utcnow()))
    told.wire.sent.clear()
    told.announcer.close(1.0)
    assert [(m.topic, m.payload) for m in told.wire.sent] == [(TOPICS.camera_availability, b"offline")]
    assert told.wire.last_message is not None
    assert (told.wire.last_message.topic, told.wire.last_message.payload) == (TOPICS.availability, b"offline")


def test_without_home_assistant_its_device_is_taken_away() -> None:
    told = Told()
    config = Config.model_validate({"homeassistant": {"enable": False}})
    told.config = config
    told.announcer.start()
    told.announcer.on_event(BrokerConnected("5", 1))
    table = {message.topic: message.payload for message in told.wire.births[0]}
    assert table[DISCOVERY] == b""


def test_where_a_broker_turns_dots_into_slashes_values_move_and_nothing_stale_stays() -> None:
    topics = copy(TOPICS)
    told = Told(topics=topics)
    told.announcer.on_event(TopicDotsSeen(kept=False))
    sent = {message.topic: message for message in told.wire.sent}
    assert sent["pi_cam_node/porch/config/night.gain"].payload == b""
    assert sent["pi_cam_node/porch/config/night/gain"].payload == b"6"
    assert sent["pi_cam_node/porch/config/night/gain"].retain
    told.wire.sent.clear()
    told.config = told.config.model_copy(update={"night": told.config.night.model_copy(update={"gain": 8.0})})
    told.announcer.on_event(SettingChanged("night.gain", 8.0))
    told.announcer.on_event(BrokerConnected("3.1.1", 2))
    assert "config/night/gain" in told.topics()
    birth = {message.topic: message.payload for message in told.wire.births[-1]}
    assert birth["pi_cam_node/porch/config/night/gain"] == b"8"
    assert "pi_cam_node/porch/config/night.gain" not in birth
    told.announcer.on_event(TopicDotsSeen(kept=True))
    back = {message.topic: message.payload for message in told.wire.sent}
    assert back["pi_cam_node/porch/config/night.gain"] == b"8"
    assert back["pi_cam_node/porch/config/night/gain"] == b""
