"""Dispatches every MQTT message to its consumer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from pi_cam_node.base.clock import Clock, epoch_ms
from pi_cam_node.base.strict_json import json_object
from pi_cam_node.console.broker.link import Arrival, BrokerState
from pi_cam_node.console.broker.requests import Requests
from pi_cam_node.console.broker.retained_by_name import RetainedByName
from pi_cam_node.console.broker.topics import ZIGBEE2MQTT_DEVICES, ConsoleTopics
from pi_cam_node.console.changes import Changes
from pi_cam_node.console.journal import Entry, Journal
from pi_cam_node.console.nodes.node import is_moderate
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.rules.actions import occurrence_of
from pi_cam_node.console.rules.engine import Occurrence
from pi_cam_node.console.sensors import announced
from pi_cam_node.console.sensors.registry import SensorChanged, Sensors
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store import sensors as sensor_rows
from pi_cam_node.console.store.sensors import Change

_log = logging.getLogger(__name__)

# After a longer disconnection, queued sensor messages arrive together and without a time: recorded, but no rule fires.
AWAY_S = 60.0
CATCH_UP_S = 2.0
CONSOLES_MAX = 16
# Longer than nodes take to reconnect, and than their telemetry interval of one minute by default.
UNHEARD_S = 90.0


@dataclass(slots=True)
class MessageDispatcher:
    """Dispatches messages to nodes, sensors and requests. Thread: the loop's.

    Attributes:
        topics: The console's topics.
        nodes: All nodes.
        sensors: All sensors.
        requests: Pending requests to nodes.
        journal: Writes to the database.
        changes: Notifies open pages.
        clock: Tells the time.
        on_occurrence: Called with each occurrence that may trigger rules.
        by_name: Subscribes by name where wildcards bring no retained messages.
        broker: State of the connection to the broker.
        since_ms: Since when it has that state, UTC epoch milliseconds.
        others: Ids of other consoles that are online.
    """

    topics: ConsoleTopics
    nodes: Nodes
    sensors: Sensors
    requests: Requests
    journal: Journal
    changes: Changes
    clock: Clock
    on_occurrence: Callable[[Occurrence], None]
    by_name: RetainedByName
    broker: BrokerState = field(default_factory=lambda: BrokerState(connected=False, reason="connecting"))
    since_ms: int = 0
    others: set[str] = field(default_factory=set)
    _lost_s: float = float("-inf")
    _live_from_s: float = float("inf")
    _connected_s: float = float("-inf")

    def on_state(self, state: BrokerState) -> None:
        """Process a change of the connection to the broker."""
        now_s = self.clock.monotonic()
        if state.connected:
            self._live_from_s = now_s + (CATCH_UP_S if now_s - self._lost_s > AWAY_S else 0.0)
            self._connected_s = now_s
            asyncio.get_running_loop().call_later(UNHEARD_S, self._miss_nodes, now_s)
            self.by_name.connected()
        elif self.broker.connected:
            self._lost_s = now_s
            self.by_name.disconnected()
        if state.connected != self.broker.connected or not self.since_ms:
            self.since_ms = epoch_ms(self.clock.utcnow())
        self.broker = state
        self.changes.tell("health")

    def _miss_nodes(self, connected_s: float) -> None:
        """Mark nodes as offline that published nothing since the connection opened.

        Retained messages of a node arrive right after the subscription. A broker that lost them in a restart sends
        nothing for a node that died meanwhile.
        """
        if self.broker.connected and self._connected_s == connected_s:
            self.nodes.miss_unheard(connected_s)

    def on_message(self, arrival: Arrival) -> None:
        """Process a message and acknowledge it once it is stored."""
        of_node = self.topics.of_node(arrival.topic)
        if of_node is not None:
            self.by_name.saw(of_node[0], retained=arrival.retained)
        if of_node is not None and of_node[1].startswith("event/"):
            self._take_event(of_node[0], arrival)
            return
        try:
            if of_node is not None:
                self._take_of_node(*of_node, arrival)
            else:
                self._take_other(arrival)
            if self.sensors.is_for_us(arrival.topic):
                self._take_sensor(arrival)
        finally:
            arrival.acknowledge()

    def _take_of_node(self, node: str, rest: str, arrival: Arrival) -> None:
        if rest.startswith("reply/"):
            self.requests.take(arrival.payload, arrival.correlation)
        else:
            self.nodes.apply(node, rest, arrival.payload, retained=arrival.retained)

    def _take_other(self, arrival: Arrival) -> None:
        topic, payload = arrival.topic, arrival.payload
        if topic == self.topics.replies:
            self.requests.take(payload, arrival.correlation)
            if self.by_name.is_needed:
                self.by_name.saw(str(json_object(payload).get("node")))
        elif (other := self.topics.other_console(topic)) is not None:
            self._note_other(other, payload)
        elif self._is_announcement(topic, payload):
            self._keep_announcement(topic)
            self.changes.tell("sensors")

    def _is_announcement(self, topic: str, payload: bytes) -> bool:
        """Process a message that may announce sensors; return whether the sensors changed."""
        if topic == ZIGBEE2MQTT_DEVICES:
            return self.sensors.take_zigbee2mqtt(topic, payload)
        is_discovery = topic.startswith(f"{self.topics.discovery_prefix}/") and topic.endswith("/config")
        return is_discovery and self.sensors.take_discovery(topic, payload)

    def _keep_announcement(self, topic: str) -> None:
        """Store the sensors announced on a topic, since a broker may lose the retained message."""
        specs, now_ms = self.sensors.announced_on(topic), epoch_ms(self.clock.utcnow())
        self.journal.put(Entry(lambda db: announced.put(db, topic, specs, now_ms)))

    def _take_event(self, node: str, arrival: Arrival) -> None:
        """Store an event, then acknowledge it; a redelivered event updates the same row."""
        now = self.clock.utcnow()
        body = json_object(arrival.payload) if is_moderate(arrival.payload) else {}
        row = event_rows.row_of(node, body, epoch_ms(now))
        if row is None or arrival.retained:
            arrival.acknowledge()
            return
        self.nodes.note_rows(node)
        occurrence = occurrence_of(row, now)
        if occurrence is not None:
            self.on_occurrence(occurrence)

        def written(kept: bool) -> None:
            arrival.acknowledge()
            if kept:
                self.changes.tell("events")

        self.journal.put(Entry(lambda db: event_rows.put(db, row), written))

    def _take_sensor(self, arrival: Arrival) -> None:
        now_ms = epoch_ms(self.clock.utcnow())
        # Also if not retained: after connecting, mosquitto delivers messages queued for the session as live ones.
        is_late = self.clock.monotonic() < self._live_from_s
        changes = self.sensors.take_state(
            arrival.topic, arrival.payload, retained=arrival.retained or is_late, now_ms=now_ms
        )
        for change in changes:
            self._note_change(change, now_ms)

    def _note_change(self, change: SensorChanged, now_ms: int) -> None:
        key = change.sensor.spec.key
        state = change.sensor.spec.words[0 if change.value else 1]
        row = Change(key, now_ms, state, change.sensor.raw)
        self.journal.put(Entry(lambda db: sensor_rows.add_change(db, row)))
        self.changes.tell("sensors")
        if change.is_news:
            self.on_occurrence(Occurrence(sensor=key, value=change.value))

    def _note_other(self, other: str, payload: bytes) -> None:
        before = set(self.others)
        if payload == b"online" and len(self.others) < CONSOLES_MAX:
            self.others.add(other)
        elif payload != b"online":
            self.others.discard(other)
        if self.others - before:
            _log.warning("another console, %s, is on this broker: rules of both fire", other)
        if self.others != before:
            self.changes.tell("health")
