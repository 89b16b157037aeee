"""Registry of the sensors by key and by topic. Retained messages set the state; only live ones count as changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.names import order_of
from pi_cam_node.console.sensors import discovery, zigbee2mqtt
from pi_cam_node.console.sensors.sensor import Sensor, SensorSpec

SENSORS_MAX = 500
# Stored last states, including those of sensors that are not announced at present.
STATES_MAX = 4 * SENSORS_MAX


@frozen
class SensorChanged:
    """A change of a sensor's state.

    Attributes:
        sensor: The sensor.
        value: Whether it is now on or open.
        was: Its previous value; ``None`` if unknown.
        is_news: Whether the message was live, so that rules may fire.
    """

    sensor: Sensor
    value: bool
    was: bool | None
    is_news: bool


class Sensors:
    """Sensors by key and by topic. Thread: the loop's.

    Args:
        prefix: The discovery prefix.
        base: Base topic of the nodes, whose own sensors are ignored here.
        subscribe: Called with each topic to subscribe to.
        unsubscribe: Called with each topic to unsubscribe from.
    """

    def __init__(
        self,
        prefix: str,
        base: str,
        subscribe: Callable[[str], None] = lambda _topic: None,
        unsubscribe: Callable[[str], None] = lambda _topic: None,
    ) -> None:
        self._prefix, self._base = prefix, base
        self._subscribe, self._unsubscribe = subscribe, unsubscribe
        self._sensors: dict[str, Sensor] = {}
        self._announced: dict[str, set[str]] = defaultdict(set)
        self._by_topic: dict[str, set[str]] = defaultdict(set)
        self._by_availability: dict[str, set[str]] = defaultdict(set)
        self._confirmed: set[str] = set()
        self._last: dict[str, bool] = {}
        self._notes: dict[str, tuple[str, str, tuple[str, ...]]] = {}

    def __len__(self) -> int:
        return len(self._sensors)

    def all(self) -> list[Sensor]:
        """Return the sensors by room and name, those without a room last."""

        def place(sensor: Sensor) -> tuple[object, ...]:
            room = sensor.room or sensor.spec.room
            return not room, order_of(room), room, order_of(sensor.title), sensor.spec.key

        return sorted(self._sensors.values(), key=place)

    def get(self, key: str) -> Sensor | None:
        """Return a sensor by its key."""
        return self._sensors.get(key)

    def set_notes(self, notes: Mapping[str, tuple[str, str, tuple[str, ...]]]) -> None:
        """Set user-defined names, rooms and cameras by key of the sensor."""
        self._notes = dict(notes)
        for sensor in self._sensors.values():
            self._apply_note(sensor)

    def _apply_note(self, sensor: Sensor) -> None:
        sensor.name, sensor.room, sensor.cameras = self._notes.get(sensor.spec.key, ("", "", ()))

    def restore(self, values: Mapping[str, bool]) -> None:
        """Restore stored states by key of the sensor."""
        for key, value in values.items():
            self._note_last(key, value)

    def restore_announced(self, specs: Mapping[str, list[SensorSpec]]) -> None:
        """Restore stored sensors by the topic that announced them; their states are unknown."""
        for topic, told in specs.items():
            self._announce(topic, told)
        self._confirmed.clear()

    def announced_on(self, topic: str) -> list[SensorSpec]:
        """Return the sensors announced by the last message on a topic."""
        keys = sorted(self._announced.get(topic, ()))
        return [self._sensors[key].spec for key in keys if key in self._sensors]

    def heard(self) -> set[str]:
        """Return the keys of sensors that were announced or published since the start."""
        return {key for key, sensor in self._sensors.items() if key in self._confirmed or sensor.seen_ms}

    def take_discovery(self, topic: str, payload: bytes) -> bool:
        """Process a discovery message; an empty one removes its sensors. Return whether anything changed."""
        told = discovery.specs_of(topic, payload, self._prefix) if payload else []
        ours = f"{self._base}/"
        return self._announce(topic, [spec for spec in told if not spec.topic.startswith(ours)])

    def take_zigbee2mqtt(self, topic: str, payload: bytes) -> bool:
        """Process zigbee2mqtt's device list; sensors already known by discovery are skipped."""
        known = {
            (s.spec.topic, s.spec.template.key)
            for s in self._sensors.values()
            if s.spec.source == "discovery" and s.spec.template is not None
        }
        told = zigbee2mqtt.specs_of(payload)
        fresh = [spec for spec in told if spec.template is None or (spec.topic, spec.template.key) not in known]
        return self._announce(topic, fresh)

    def add_by_hand(self, specs: Iterable[SensorSpec]) -> None:
        """Replace the manually added sensors; last states of removed ones are dropped."""
        told = list(specs)
        for key in self._announced.get("", set()) - {spec.key for spec in told}:
            self._last.pop(key, None)
        self._announce("", told)

    def is_for_us(self, topic: str) -> bool:
        """Tell whether a topic is a state or availability topic of a sensor."""
        return topic in self._by_topic or topic in self._by_availability

    def take_state(self, topic: str, payload: bytes, *, retained: bool, now_ms: int) -> list[SensorChanged]:
        """Process a state message of a sensor; return the changes."""
        for key in self._by_availability.get(topic, ()):
            self._note_availability(self._sensors[key], topic, payload)
        changes = []
        for key in sorted(self._by_topic.get(topic, ())):
            change = self._read(self._sensors[key], payload, retained=retained, now_ms=now_ms)
            if change is not None:
                changes.append(change)
        return changes

    def _read(self, sensor: Sensor, payload: bytes, *, retained: bool, now_ms: int) -> SensorChanged | None:
        value = sensor.read(payload, now_ms)
        if value is None or (sensor.spec.is_event and retained):
            return None
        was = sensor.value if sensor.value is not None else self._last.get(sensor.spec.key)
        sensor.value = None if sensor.spec.is_event else value
        if value == was and not sensor.spec.is_event:
            return None
        sensor.changed_ms = now_ms
        self._note_last(sensor.spec.key, value)
        return SensorChanged(sensor, value, was, is_news=not retained)

    def _note_last(self, key: str, value: bool) -> None:
        """Record the last state of a sensor; at the limit the least recently changed one is dropped."""
        self._last.pop(key, None)
        self._last[key] = value
        if len(self._last) > STATES_MAX:
            del self._last[next(iter(self._last))]

    def _note_availability(self, sensor: Sensor, topic: str, payload: bytes) -> None:
        template = next(t for name, t in sensor.spec.availability if name == topic)
        said = template.value(payload)
        if said in {"offline", "false"}:
            sensor.gone.add(topic)
        elif said is not None:
            sensor.gone.discard(topic)

    def _announce(self, topic: str, specs: list[SensorSpec]) -> bool:
        """Replace the sensors announced on a topic; return whether that changed anything."""
        old = self._announced.pop(topic, set())
        new = {spec.key: spec for spec in specs}
        is_same = old == new.keys() and all(self._is_there(key, spec) for key, spec in new.items())
        for key in old - new.keys():
            self._drop(key)
        for key, spec in new.items():
            self._put(topic, key, spec)
        self._confirmed.update(new.keys() & self._sensors.keys())
        return not is_same

    def _is_there(self, key: str, spec: SensorSpec) -> bool:
        there = self._sensors.get(key)
        return there is not None and there.spec == spec

    def _put(self, topic: str, key: str, spec: SensorSpec) -> None:
        if self._is_there(key, spec):
            self._announced[topic].add(key)
            return
        if key not in self._sensors and len(self._sensors) >= SENSORS_MAX:
            return
        self._drop(key)
        sensor = Sensor(spec)
        self._apply_note(sensor)
        self._sensors[key] = sensor
        self._announced[topic].add(key)
        for keys, one in self._topics_of(spec):
            if not self.is_for_us(one):
                self._subscribe(one)
            keys[one].add(key)

    def _drop(self, key: str) -> None:
        sensor = self._sensors.pop(key, None)
        if sensor is None:
            return
        self._confirmed.discard(key)
        for keys, topic in self._topics_of(sensor.spec):
            keys[topic].discard(key)
            if not keys[topic]:
                del keys[topic]
                if not self.is_for_us(topic):
                    self._unsubscribe(topic)

    def _topics_of(self, spec: SensorSpec) -> Iterator[tuple[dict[str, set[str]], str]]:
        """Yield a sensor's topics, each with the dictionary that has its sensors' keys."""
        yield self._by_topic, spec.topic
        for topic, _ in spec.availability:
            yield self._by_availability, topic
