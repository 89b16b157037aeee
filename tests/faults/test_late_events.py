"""Events while the broker is unreachable: stored, also if the node is killed, then sent once, in order, as late."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Client, Mosquitto, wait_until
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = pytest.mark.faults

WAIT_S = 60.0


def events(client: Client) -> list[dict[str, Any]]:
    return [
        json.loads(message.payload)
        for message in list(client.received)
        if message.topic == f"{BASE}/event/picture_saved"
    ]


def stored(database: Path) -> list[str]:
    """Return the ids of the events that wait on the disk."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").fetchone():
            return []  # it is being made
        found = connection.execute("SELECT body FROM outbox WHERE topic LIKE '%picture_saved' ORDER BY number")
        return [json.loads(body)["id"] for (body,) in found]


@pytest.mark.short
@pytest.mark.promise("M13")
def test_events_outlast_the_broker_and_the_node_and_come_once_in_their_order(broker: Mosquitto, tmp_path: Path) -> None:
    sections: dict[str, Any] = {"export": {"auto_save_interval_s": 1, "base_dir": str(tmp_path / "captures")}}
    node, database = RunningNode(tmp_path, broker.port, **sections), tmp_path / "node.yaml.events.db"
    with node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(WAIT_S)
        wait_until(lambda: events(client), "a picture", WAIT_S)
        assert not any("late" in body for body in events(client)), "the broker is there"
        broker.kill()
        wait_until(lambda: len(stored(database)) >= 4, "events that wait", WAIT_S)
        node.process.send_signal(signal.SIGKILL)
        node.process.wait(10)
    waiting = stored(database)
    broker.start()
    quiet: dict[str, Any] = {"export": {"auto_save_interval_s": 0, "base_dir": str(tmp_path / "captures")}}
    with RunningNode(tmp_path, broker.port, **quiet) as again, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(WAIT_S)
        wait_until(lambda: len(events(client)) >= len(waiting), "the late events", WAIT_S)
        assert [body["id"] for body in events(client)] == waiting
        assert all(body["late"] is True for body in events(client))
        wait_until(lambda: stored(database) == [], "an empty outbox", WAIT_S)
        again.stop(timeout_s=60)
    with RunningNode(tmp_path, broker.port, **quiet), broker.client() as client:
        CommandClient(client).wait_online(WAIT_S)
        assert events(client) == [], "each came once"
