"""Pictures of Home Assistant's image entities, and their availability."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pi_cam_node.core.activity_events import EventPictured
from pi_cam_node.core.events import Event, MediaDeleted, PictureReloaded, PictureSaved, SettingChanged
from pi_cam_node.core.history import EventRow
from pi_cam_node.core.inputs import BrokerConnected, HomeAssistantStarted
from pi_cam_node.mqtt.announcer import ECHO_S
from pi_cam_node.mqtt.homeassistant.shown_pictures import RETRY_S, UNSURE_S, ShownPictures
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.topics import Topics
from tests.support.fakes.clock import FakeClock, run_due

TOPICS = Topics("pi_cam_node", "porch", (), "homeassistant", "homeassistant/status")
AT = datetime(2026, 11, 20, tzinfo=UTC)
ON, OFF = SettingChanged("privacy.enable", value=True), SettingChanged("privacy.enable", value=False)
SAVED = PictureSaved("p1", "single", ("/p1.jpg",), 1, "00", (1,), AT, AT, 1.0, 1.0, image=b"\xff\xd8one")
OTHER = replace(SAVED, id="p2", image=b"\xff\xd8two")
PICTURE, NONE = ("last_picture", SAVED.image), ("last_event/availability", b"offline")
THERE, GONE = ("last_picture/availability", b"online"), ("last_picture/availability", b"offline")


class Shown:
    """The pictures, and a broker that takes what comes while it is there."""

    def __init__(self, *, private: bool = False) -> None:
        self.is_connected = self.takes = True
        self.packet_limit_bytes: int | None = None
        self.sent: list[Message] = []
        self.clock = FakeClock()
        link: Any = self
        self.pictures = ShownPictures(TOPICS, link, self.clock, private=private)

    def publish(self, message: Message) -> bool:
        if self.takes:
            self.sent.append(message)
        return self.takes

    def after(self, *events: Any, wait_s: float = 0.0) -> list[tuple[str, bytes]]:
        """Return what is sent after these events, of the last picture and of the event's alike."""
        self.sent.clear()
        for event in events:
            self.pictures.on_event(event)
        self.clock.advance(wait_s)
        run_due(self.pictures, self.clock)
        assert not any(message.retain for message in self.sent)
        return [(m.topic.removeprefix("pi_cam_node/porch/homeassistant/"), m.payload) for m in self.sent]


def test_what_comes_right_after_privacy_waits_until_home_assistant_listens_again() -> None:
    shown = Shown()
    shown.after(ON)
    assert shown.after(OFF, SAVED) == []
    assert shown.after(wait_s=ECHO_S)[:2] == [PICTURE, THERE]


def test_a_picture_is_sent_before_it_is_said_to_be_there() -> None:
    assert Shown().after(SAVED) == [PICTURE, THERE]


def test_the_picture_of_an_event_has_an_entity_of_its_own() -> None:
    event = EventPictured(EventRow("e1", "motion", AT, picture_id="p1"), b"\xff\xd8e", None)
    assert Shown().after(event) == [("last_event", b"\xff\xd8e"), ("last_event/availability", b"online")]


def test_privacy_hides_the_picture_and_brings_it_back_without_sending_it() -> None:
    shown = Shown()
    shown.after(SAVED)
    assert shown.after(ON) == [GONE, NONE]
    assert shown.after(OFF, wait_s=ECHO_S) == [GONE, NONE]
    assert shown.after(PictureReloaded(SAVED)) == [THERE, NONE]


def test_before_the_first_picture_privacy_changes_nothing() -> None:
    shown = Shown()
    assert shown.after(ON) == [GONE, NONE]
    assert shown.after(OFF, wait_s=ECHO_S) == [GONE, NONE]
    assert shown.after(SAVED)[:2] == [PICTURE, THERE]


def test_a_picture_of_an_earlier_run_is_still_there_and_not_new() -> None:
    shown = Shown()
    assert shown.after(PictureReloaded(SAVED)) == []
    assert shown.after(BrokerConnected("5", 1), wait_s=ECHO_S) == []
    assert shown.after(ON)[0] == GONE
    assert shown.after(OFF, PictureReloaded(SAVED), wait_s=ECHO_S)[0] == THERE


def test_a_run_that_begins_in_privacy_says_so_and_brings_the_picture_back() -> None:
    shown = Shown(private=True)
    assert shown.after(BrokerConnected("5", 1), wait_s=ECHO_S) == [GONE, NONE]
    assert shown.after(OFF, PictureReloaded(SAVED), wait_s=ECHO_S) == [THERE, NONE]


def test_home_assistant_gets_the_picture_again_after_its_own_start() -> None:
    shown = Shown()
    shown.after(PictureReloaded(SAVED))
    assert shown.after(HomeAssistantStarted()) == [], "it has not subscribed yet"
    assert shown.after(wait_s=ECHO_S) == [PICTURE, THERE, NONE]
    assert shown.after(ON, HomeAssistantStarted(), wait_s=ECHO_S) == [GONE, NONE, GONE, NONE]
    assert shown.after(OFF, PictureReloaded(SAVED), wait_s=ECHO_S)[:2] == [PICTURE, THERE]


def test_a_picture_that_was_saved_while_the_broker_was_away_follows() -> None:
    shown = Shown()
    shown.is_connected = False
    assert shown.after(SAVED, OTHER) == []
    shown.is_connected = True
    assert shown.after(BrokerConnected("5", 2), wait_s=ECHO_S) == [("last_picture", OTHER.image), THERE]


def test_a_connection_that_breaks_later_brings_no_picture_again() -> None:
    shown = Shown()
    shown.after(SAVED)
    assert shown.after(BrokerConnected("5", 2), wait_s=ECHO_S) == [PICTURE, THERE], "it may have been lost"
    shown.clock.advance(UNSURE_S)
    assert shown.after(BrokerConnected("5", 3), wait_s=ECHO_S) == [THERE]


def test_what_finds_no_room_is_sent_a_little_later() -> None:
    shown = Shown()
    shown.takes = False
    assert shown.after(SAVED) == []
    shown.takes = True
    assert shown.after(wait_s=RETRY_S) == [PICTURE, THERE]


def test_a_deleted_picture_is_gone() -> None:
    shown = Shown()
    shown.after(SAVED)
    assert shown.after(MediaDeleted("p2"))[0] == THERE
    assert shown.after(MediaDeleted("p1"))[0] == GONE


@pytest.mark.parametrize("gone", [PictureReloaded(None), SettingChanged("mqtt.image_max_bytes", 0)])
def test_a_picture_that_is_gone_or_switched_off_is_not_sent_any_more(gone: Event) -> None:
    shown = Shown()
    shown.after(SAVED)
    assert shown.after(gone)[0] == GONE
    assert PICTURE not in shown.after(HomeAssistantStarted(), wait_s=ECHO_S)


def test_a_picture_that_the_broker_never_takes_is_not_there_and_not_tried_again_and_again() -> None:
    shown = Shown()
    shown.packet_limit_bytes = 300
    large = replace(SAVED, image=b"\xff\xd8" + bytes(300))
    assert shown.after(large) == [GONE]
    assert shown.after(wait_s=RETRY_S) == []
    assert shown.after(OTHER) == [("last_picture", OTHER.image), THERE]
