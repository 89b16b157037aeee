"""Measures the time from reconnecting until the retained state at the broker is complete, for several nodes at once.

Each node consists of the real announcer and link with a thread; the broker is killed and restarted without its data.
``python -m benchmarks.reconnect``
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.config import Config
from pi_cam_node.core.entities import entities
from pi_cam_node.core.events import InputEvent
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import BrokerConnected
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.mqtt.announcer import Announcer
from pi_cam_node.mqtt.connection.negotiation import SHORT_SESSION_S
from pi_cam_node.mqtt.homeassistant.discovery import discovery
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.privacy_filter import PrivacyFilter
from pi_cam_node.mqtt.messages.topics import Topics
from pi_cam_node.mqtt.outbox import Outbox
from tests.support.broker import Client, Mosquitto, wait_until

# Settings of the broker, so that it drops no messages for a client that subscribes to everything.
LINES = ("set_tcp_nodelay true", "max_queued_messages 0", "max_inflight_messages 0")
PATIENCE_S = 60.0
# Least length of the session before, as nodes reconnect with a different wait after a short session.
SETTLED_S = SHORT_SESSION_S + 0.5


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Times for a number of nodes, in seconds from a node's connect until its retained state is complete.

    ``back_s`` is the time from the broker's restart to the last connect; ``most_in_1_s`` the most connects in a second.
    """

    nodes: int
    rounds: int
    topics: int
    median_s: float
    worst_s: float
    back_s: float
    most_in_1_s: int


class BirthNoted(BrokerLink):
    """Link that stores the last birth messages."""

    birth: Sequence[Message] = ()

    def announce(self, messages: Iterable[Message]) -> None:
        """See `BrokerLink.announce`."""
        self.birth = list(messages)
        super().announce(self.birth)


class AnnouncingNode:
    """The MQTT part of a node. Runs within a ``with`` block; ends without a last message.

    Args:
        port: Port of the broker.
        number: Number in its id.
        mqtt: Settings of the link.
    """

    def __init__(self, port: int, number: int = 0, **mqtt: Any) -> None:
        section = {"host": "127.0.0.1", "port": port, "base_topic": "reconnect", **mqtt}
        self.config = Config.model_validate({"node": {"id": f"node{number}"}, "mqtt": section})
        self.topics = Topics("reconnect", f"node{number}", (), "homeassistant", "homeassistant/status")
        self.connected_s: list[float] = []
        self._inbox = Inbox()
        clock = SystemClock()
        outbox, privacy_filter = Outbox(), PrivacyFilter(PrivacyGate())
        self.link = BirthNoted(
            self.config.mqtt, self.topics, self._inbox, clock, outbox=outbox, privacy_filter=privacy_filter
        )
        self.announcer = Announcer(self.topics, self.link, clock, lambda: self.config, self._info, self._discovery)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"announcer-{number}")

    def __enter__(self) -> Self:
        self.announcer.start()
        self.link.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(5)
        self.link.close(None, 2)

    def table(self) -> dict[str, bytes]:
        """Return the expected retained messages."""
        return {message.topic: message.payload for message in self.link.birth if message.payload}

    def _info(self, session: int) -> Mapping[str, object]:
        return {"session": session, "name": self.config.node.id}

    def _discovery(self, config: Config) -> dict[str, Any]:
        return discovery(entities(config, ()), self.topics, config, "0", {"model": "", "configuration_url": ""})

    def _run(self) -> None:
        while not self._stopping.is_set():
            message = self._inbox.take(0.2)
            if message is None or isinstance(message, Frame):
                continue
            if isinstance(message, BrokerConnected):
                self.connected_s.append(time.monotonic())
            if isinstance(message, InputEvent):
                self.announcer.on_event(message)


def measure(counts: Sequence[int] = (1, 10, 50), rounds: int = 3) -> list[Reconnect]:
    """Return the figures for each number of nodes; takes about 15 s per round."""
    return [_measure(count, rounds) for count in counts]


def _measure(count: int, rounds: int) -> Reconnect:
    took_s: list[float] = []
    back_s: list[float] = []
    most_at_once: list[int] = []
    with tempfile.TemporaryDirectory() as folder, Mosquitto(Path(folder), LINES) as broker, ExitStack() as stack:
        nodes = [stack.enter_context(AnnouncingNode(broker.port, number)) for number in range(count)]
        wait_until(lambda: all(node.connected_s for node in nodes), "all nodes to connect", PATIENCE_S)
        for _ in range(rounds):
            time.sleep(SETTLED_S)
            took_s += outage(broker, nodes)
            connects_s = [node.connected_s[-1] for node in nodes]
            back_s.append(max(connects_s) - broker.started_s)
            most_at_once.append(most_within(connects_s, 1.0))
        topics = len(nodes[0].table())
    worst = (round(max(took_s), 3), round(max(back_s), 1), max(most_at_once))
    return Reconnect(count, rounds, topics, round(median(took_s), 3), *worst)


def outage(broker: Mosquitto, nodes: Sequence[AnnouncingNode]) -> list[float]:
    """Restart the broker without data; return the seconds from connect to complete retained state for each node.

    Raises:
        AssertionError: A node's retained state is not as expected at the end.
    """
    before = {id(node): len(node.connected_s) for node in nodes}
    broker.restart()
    with broker.client() as watcher:
        watcher.subscribe("reconnect/#", "homeassistant/#")
        wait_until(lambda: all(len(n.connected_s) > before[id(n)] for n in nodes), "all nodes to be back", PATIENCE_S)
        for node in nodes:
            wait_until(lambda node=node: right_since(watcher, node) is not None, "the retained state")  # type: ignore[misc]
        return [max(0.0, (right_since(watcher, node) or 0.0) - node.connected_s[-1]) for node in nodes]


def right_since(watcher: Client, node: AnnouncingNode) -> float | None:
    """Return the monotonic time at which the last topic of a node got its expected value; ``None``: not all have."""
    wanted = node.table()
    since_s: dict[str, float] = {}
    for message in watcher.messages():
        if message.topic not in wanted:
            continue
        if message.payload != wanted[message.topic]:
            since_s.pop(message.topic, None)
        else:
            since_s.setdefault(message.topic, message.mono_s)
    return max(since_s.values()) if since_s.keys() == wanted.keys() else None


def most_within(times_s: Sequence[float], window_s: float) -> int:
    """Return the greatest number of times within any window of this length."""
    return max(sum(first <= time_s < first + window_s for time_s in times_s) for first in times_s)


def main() -> None:
    """Print the figures as a table, or as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.getLogger("pi_cam_node").setLevel(logging.ERROR)
    found = measure(given.nodes, given.rounds)
    if given.json:
        print(json.dumps([asdict(figures) for figures in found]))
        return
    print(
        "| nodes | retained topics each | right after connect, median s | worst s | all back s | most connects in 1 s |"
    )
    print("|---|---|---|---|---|---|")
    for f in found:
        print(f"| {f.nodes} | {f.topics} | {f.median_s} | {f.worst_s} | {f.back_s} | {f.most_in_1_s} |")


if __name__ == "__main__":
    main()
