"""A database damaged while the node is stopped: it starts, keeps the file, and rebuilds the events from the films."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.broker import Mosquitto, wait_until
from tests.support.recording_node import Films, numbers_of

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = [pytest.mark.faults, pytest.mark.promise("S2")]

WAIT_S = 60.0


@pytest.mark.parametrize("damage", ["noise", "a page", "cut short"])
def test_events_come_back_from_the_films_and_the_node_goes_on(
    broker: Mosquitto, tmp_path: Path, damage: str, figure: Callable[[str], None]
) -> None:
    films, database = Films(tmp_path, broker), tmp_path / "node.yaml.events.db"
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        for number in (1, 2):
            assert commands.ask("trigger", name="door", seconds=0.5)["ok"]
            films.wait_for(commands, "recording_saved", number)
        before = commands.ask("events")["data"]["events"]
    content = bytearray(database.read_bytes())
    if damage == "noise":
        content = bytearray(os.urandom(len(content)))
    elif damage == "a page":
        content[4096:8192] = os.urandom(4096)
    else:
        del content[len(content) // 2 :]
    database.write_bytes(content)
    with films.running() as commands:
        wait_until(lambda: database.with_name(f"{database.name}.damaged").exists(), "the file put aside", WAIT_S)
        after = commands.ask("events")["data"]["events"]
        assert [row["id"] for row in after] == [row["id"] for row in before]
        assert [row["recording_id"] for row in after] == [row["recording_id"] for row in before]
        films.wait_for_pre_roll(commands)
        assert commands.ask("trigger", name="door", seconds=0.5)["ok"]
        saved = films.wait_for(commands, "recording_saved")
        assert len(commands.ask("events")["data"]["events"]) == len(before) + 1
    assert database.with_name(f"{database.name}.damaged").read_bytes() == content
    assert numbers_of(Path(saved["media"]["path"]))
    figure(f"{damage}: kept aside, {len(after)} of {len(before)} events read from the side-cars, the next one recorded")
