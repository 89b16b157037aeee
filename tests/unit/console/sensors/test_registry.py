"""Retained sensor messages are states, others are events."""

from __future__ import annotations

import json
import sqlite3

from pi_cam_node.console.sensors import announced
from pi_cam_node.console.sensors.by_hand import spec_of
from pi_cam_node.console.sensors.registry import SENSORS_MAX, STATES_MAX, Sensors
from pi_cam_node.console.store import sensors as rows

TOPIC = "homeassistant/binary_sensor/0x1/contact/config"
DOOR = {
    "state_topic": "zigbee2mqtt/door",
    "value_template": "{{ value_json.contact }}",
    "payload_on": False,
    "payload_off": True,
    "device_class": "door",
    "unique_id": "door",
    "availability_topic": "zigbee2mqtt/door/availability",
    "availability_template": "{{ value_json.state }}",
}


class House:
    def __init__(self, *, announced: bool = True) -> None:
        self.subscribed: list[str] = []
        self.sensors = Sensors("homeassistant", "pi_cam_node", self.subscribed.append, self.subscribed.remove)
        if announced:
            self.sensors.take_discovery(TOPIC, json.dumps(DOOR).encode())

    def says(self, contact: object, *, retained: bool = False) -> list[tuple[bool, bool]]:
        payload = json.dumps({"contact": contact, "battery": 41}).encode()
        changes = self.sensors.take_state("zigbee2mqtt/door", payload, retained=retained, now_ms=5)
        return [(change.value, change.is_news) for change in changes]

    @property
    def state(self) -> str:
        sensor = self.sensors.get("door")
        return sensor.state if sensor is not None else "gone"


def test_retained_open_at_connect_is_no_news() -> None:
    house = House()
    assert house.state == "unknown"
    assert house.says(False, retained=True) == [(True, False)]
    assert house.state == "open"


def test_only_a_change_is_one() -> None:
    house = House()
    assert house.says(True) == [(False, True)]
    assert house.says(True) == []
    assert house.says(False) == [(True, True)]
    assert house.says(False) == []
    assert house.says("torn") == []
    assert house.state == "open"


def test_what_it_was_before_the_restart_counts() -> None:
    house = House()
    house.sensors.restore({"door": True})
    assert house.says(False) == []
    assert house.says(True) == [(False, True)]


def test_a_sensor_added_by_hand_again_knows_nothing_of_the_one_before() -> None:
    sensors = Sensors("homeassistant", "pi_cam_node")
    shed = spec_of("shed", "Shed", "shed/door", "{}")

    def opened() -> list[bool | None]:
        return [change.was for change in sensors.take_state("shed/door", b"ON", retained=False, now_ms=5)]

    sensors.add_by_hand([shed])
    assert opened() == [None]
    sensors.add_by_hand([shed])
    assert opened() == []
    sensors.add_by_hand([])
    sensors.add_by_hand([shed])
    assert opened() == [None]


def test_a_sensor_that_is_away_is_neither_open_nor_closed() -> None:
    house = House()
    house.says(False)
    house.sensors.take_state("zigbee2mqtt/door/availability", b'{"state": "offline"}', retained=False, now_ms=6)
    assert house.state == "unavailable"
    house.sensors.take_state("zigbee2mqtt/door/availability", b'{"state": "online"}', retained=False, now_ms=7)
    assert house.state == "open"


def test_battery_is_read_along() -> None:
    house = House()
    house.says(True)
    sensor = house.sensors.get("door")
    assert sensor is not None
    assert sensor.battery == 41


def test_an_emptied_announcement_takes_the_sensor_away() -> None:
    house = House()
    assert house.subscribed == ["zigbee2mqtt/door", "zigbee2mqtt/door/availability"]
    house.sensors.take_discovery(TOPIC, b"")
    assert (house.state, house.subscribed) == ("gone", [])


def test_announced_again_it_keeps_its_state() -> None:
    house = House()
    house.says(False)
    assert not house.sensors.take_discovery(TOPIC, json.dumps(DOOR).encode())
    assert house.state == "open"


def test_the_cameras_own_entities_are_no_sensors() -> None:
    house = House()
    body = {"state_topic": "pi_cam_node/porch/state/motion", "unique_id": "porch_motion"}
    house.sensors.take_discovery("homeassistant/binary_sensor/porch/config", json.dumps(body).encode())
    assert house.sensors.get("porch_motion") is None


def test_zigbee2mqtts_list_does_not_double_what_was_announced() -> None:
    house = House()
    exposes = [{"type": "binary", "name": "contact", "property": "contact", "value_on": True, "value_off": False}]
    body = [{"friendly_name": name, "definition": {"exposes": exposes}} for name in ("door", "gate")]
    house.sensors.take_zigbee2mqtt("zigbee2mqtt/bridge/devices", json.dumps(body).encode())
    assert [sensor.spec.key for sensor in house.sensors.all()] == ["door", "gate_contact"]


def test_a_button_fires_each_time_but_never_when_retained() -> None:
    house = House()
    body = {"state_topic": "button", "unique_id": "button", "event_types": ["single"]}
    house.sensors.take_discovery("homeassistant/event/button/config", json.dumps(body).encode())
    press = b'{"event_type": "single"}'
    assert house.sensors.take_state("button", press, retained=True, now_ms=1) == []
    assert [len(house.sensors.take_state("button", press, retained=False, now_ms=1)) for _ in range(2)] == [1, 1]


def test_an_announced_sensor_outlives_the_console_and_a_broker_that_forgot_it(db: sqlite3.Connection) -> None:
    before, after = House(), House(announced=False)
    announced.put(db, TOPIC, before.sensors.announced_on(TOPIC), now_ms=100)
    assert announced.load(db, since_ms=101) == {}
    after.sensors.restore_announced(announced.load(db, since_ms=100))
    assert after.state == "unknown"
    assert after.subscribed == before.subscribed
    assert after.sensors.heard() == set()
    assert after.says(False) == [(True, True)]
    assert after.sensors.heard() == {"door"}
    assert not after.sensors.take_discovery(TOPIC, json.dumps(DOOR).encode()), "the same as before"
    announced.touch(db, after.sensors.heard(), now_ms=900)
    assert list(announced.load(db, since_ms=900)) == [TOPIC]


def test_what_nothing_announces_any_more_is_forgotten_but_for_what_people_noted(db: sqlite3.Connection) -> None:
    specs = House().sensors.announced_on(TOPIC)
    announced.put(db, TOPIC, specs, now_ms=1)
    announced.put(db, TOPIC, [], now_ms=2)
    assert db.execute("SELECT count(*) FROM sensor").fetchone() == (0,)
    announced.put(db, TOPIC, specs, now_ms=3)
    rows.put_note(db, "door", "The green door", "Hall", "[]")
    announced.put(db, TOPIC, [], now_ms=4)
    assert announced.load(db, since_ms=0) == {}
    assert db.execute("SELECT name, room FROM sensor").fetchall() == [("The green door", "Hall")]
    announced.put(db, TOPIC, specs, now_ms=5)
    assert announced.load(db, since_ms=0) == {TOPIC: specs}
    assert db.execute("SELECT name FROM sensor").fetchall() == [("The green door",)]


def test_sensors_that_come_and_go_take_no_more_memory() -> None:
    house = House(announced=False)
    for number in range(2 * SENSORS_MAX):
        told = json.dumps({"stat_t": f"door/{number}", "uniq_id": f"door{number}"}).encode()
        house.sensors.take_discovery(f"homeassistant/binary_sensor/kept/{number}/config", told)
    assert len(house.sensors.heard()) == len(house.sensors._confirmed) == SENSORS_MAX
    for number in range(SENSORS_MAX):
        house.sensors.take_discovery(f"homeassistant/binary_sensor/kept/{number}/config", b"")
    assert house.sensors._confirmed == set()
    for number in range(STATES_MAX + 10):
        house.sensors.take_discovery(TOPIC, json.dumps({"stat_t": "door", "uniq_id": f"other{number}"}).encode())
        house.sensors.take_state("door", b"ON", retained=True, now_ms=1)
    assert len(house.sensors._last) == STATES_MAX
    assert house.subscribed == ["door"]


def test_sensors_stand_by_room_as_people_read_it_and_those_without_one_last() -> None:
    sensors = Sensors("homeassistant", "pi_cam_node")
    rooms = {"a": "", "b": "Room 10", "c": "room 2", "d": "Room 2", "e": "Ölkeller", "f": "room 2"}
    sensors.add_by_hand([spec_of(key, key.upper(), f"t/{key}", "{}") for key in rooms])
    sensors.set_notes({key: ("", room, ()) for key, room in rooms.items()})
    assert [sensor.spec.key for sensor in sensors.all()] == ["e", "d", "c", "f", "b", "a"]
