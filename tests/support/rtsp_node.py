"""A node with a network camera, and its films."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import BASE, CommandClient, RunningNode

START_S = 60.0
PRE_S = 1.0


@contextmanager
def node(folder: Path, broker: Mosquitto, url: str, **sections: Any) -> Iterator[CommandClient]:
    """Run a node on a network camera."""
    told: dict[str, Any] = {
        "camera": {"source": url, "framerate": 5},
        "recording": {"pre_roll_s": PRE_S, "post_roll_s": 0.5},
        "storage": {"min_free_bytes": 0},
        "export": {"base_dir": str(folder / "captures")},
    }
    for name, values in sections.items():
        told[name] = {**told.get(name, {}), **values}
    with ExitStack() as stack:
        stack.enter_context(RunningNode(folder, broker.port, **told))
        commands = CommandClient(stack.enter_context(broker.client()))
        commands.wait_online(START_S)
        wait_until(lambda: commands.ask("health")["data"]["ring_seconds"] > PRE_S + 2, "a ring", START_S)
        yield commands


def start_recording(commands: CommandClient) -> None:
    """Start a manual recording; return once the film is being written."""
    commands.ask("record", state="on")
    wait_until(lambda: commands.state("recording") == "ON", "a recording", START_S)


def saved(commands: CommandClient, count: int = 1) -> dict[str, Any]:
    """Wait until ``count`` films are saved; return the message of the last one."""

    def messages() -> list[dict[str, Any]]:
        received = list(commands.client.received)
        return [json.loads(m.payload) for m in received if m.topic == f"{BASE}/event/recording_saved"]

    wait_until(lambda: len(messages()) >= count, f"{count} films", START_S)
    return messages()[count - 1]


def side_car(media: dict[str, Any]) -> dict[str, Any]:
    return json.loads(Path(media["path"]).with_suffix(".json").read_text())  # type: ignore[no-any-return]
