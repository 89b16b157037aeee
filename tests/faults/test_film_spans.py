"""Films of events at random times: pre-roll and post-roll are complete, with each picture once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Mosquitto, wait_until
from tests.support.recording_node import FILM_S, POST_S, PRE_S, Films, number_in, pictures_of, side_car
from tests.support.running_node import CommandClient

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = [pytest.mark.faults, pytest.mark.promise("V2")]

EVENT_S = 0.5
# Maximum difference between the reported pre-roll and the film's.
TOLD_S = 0.1
RATES = (2.0, 5.0, 10.0, 30.0)


@dataclass
class Asked:
    """A trigger, a picture that was saved right after it, and monotonic times around both."""

    event: dict[str, Any]
    sent_s: float
    answered_s: float
    number: int
    save_sent_s: float
    saved_s: float


def ask(commands: CommandClient) -> Asked:
    """Trigger, and save a picture: its exposure begins after the command and ends before the reply."""
    sent_s = time.monotonic()
    event = commands.ask("trigger", name="door", seconds=EVENT_S)["data"]
    answered_s = time.monotonic()
    reply = commands.ask("save", formats=["jpg"])
    return Asked(event, sent_s, answered_s, number_in(Path(reply["data"]["path"])), answered_s, time.monotonic())


def dropped(commands: CommandClient) -> int:
    """Return the numbers of frames that the node dropped: they are in no ring and no film."""
    return int(commands.ask("health")["data"]["frames_dropped"])


def judged(asked: Asked, event: dict[str, Any], facts: dict[str, Any], rate_hz: float) -> tuple[int, float, bool]:
    """Compare an event with its film; return missing numbers, its pre-roll, and whether the saved picture is in it."""
    pictures = pictures_of(Path(facts["path"]))
    numbers = [number for _, number in pictures]
    assert numbers == sorted(set(numbers)), "no picture twice, all in order"
    first_s = facts["first_mono_s"]
    at_s = {number: first_s + second for second, number in pictures}
    if is_shown := asked.number in at_s:
        assert asked.save_sent_s - 1e-3 <= at_s[asked.number] <= asked.saved_s, "the film's times are the camera's"
    told_s = event["pre_roll_s"]
    assert told_s >= PRE_S - 0.01
    assert asked.sent_s - TOLD_S <= first_s + told_s <= asked.answered_s + TOLD_S, "what is told is what there is"
    assert max(at_s.values()) + 1 / rate_hz >= asked.sent_s + EVENT_S + POST_S - 1e-3
    assert facts["gap_s"] == 0
    return numbers[-1] - numbers[0] + 1 - len(numbers), told_s, is_shown


@pytest.mark.parametrize(
    "rate_hz",
    [pytest.param(10.0, marks=pytest.mark.short), 2.0, 30.0, pytest.param(0.0, id="changing")],
)
def test_every_trigger_has_its_whole_span_and_every_picture_once(
    broker: Mosquitto, tmp_path: Path, full: bool, rate_hz: float, figure: Callable[[str], None]
) -> None:
    chance, rounds = random.Random(11), 50 if full else 10
    films = Films(tmp_path, broker, camera={"framerate": rate_hz or 10.0}, ring={"max_seconds": 12})
    asked: list[Asked] = []
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        before = dropped(commands)
        for _ in range(rounds):
            asked.append(ask(commands))
            if not rate_hz:
                assert commands.ask("set", key="camera.framerate", value=chance.choice(RATES))["ok"]
            time.sleep(chance.uniform(1.0, 6.0) if full else chance.uniform(0.5, 3.0))
        wait_until(lambda: commands.state("recording") == "OFF", "the end of the last film", FILM_S)
        rows = {row["id"]: row for row in commands.ask("events", limit=200)["data"]["events"]}
        lost = dropped(commands) - before
        saved = [{**side_car(m["media"]), **m["media"]} for m in films.messages(commands, "recording_saved")]
    by_id = {facts["id"]: facts for facts in saved}
    found = [
        judged(one, row, by_id[row["recording_id"]], rate_hz or min(RATES))
        for one in asked
        for row in (rows[one.event["id"]],)
    ]
    missing = sum(missing for missing, _, _ in found)
    assert missing <= lost, "what is missing was too much for the node, and is counted"
    assert any(is_shown for _, _, is_shown in found)
    what = f"{rate_hz:g} fps" if rate_hz else "2 to 30 fps, changing"
    shortest_s = min(told_s for _, told_s, _ in found)
    figure(
        f"{rounds} triggers, {what}, {len(saved)} films: every picture once ({missing} missing, {lost} counted as "
        f"dropped); {shortest_s:.2f} s of {PRE_S:g} s pre-roll at least, told to {TOLD_S:g} s"
    )
