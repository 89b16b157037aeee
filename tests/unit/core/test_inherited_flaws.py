"""Regressions of flaws of the predecessor service; see docs/decisions/0005."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pi_cam_node.config import Config
from pi_cam_node.config.settings import as_text, catalogue
from pi_cam_node.core.events import Replied
from pi_cam_node.core.inputs import WorkAdvanced
from tests.support.core_harness import CoreHarness

PACKAGE = Path(__file__).parents[3] / "pi_cam_node"


def final_of(harness: CoreHarness) -> dict[str, object]:
    return [dict(reply.body) for reply in harness.said(Replied) if reply.body["stage"] == "final"][-1]


@pytest.mark.parametrize(
    ("verb", "payload"),
    [
        ("set", b"camera.framerate abc"),
        ("set", b"night.min_dark_frames 2.5"),
        ("set", b"night x"),
        ("shortstream", b"abc"),
        ("save", b""),
        ("", b"\xff\xfe\x80"),
    ],
)
def test_what_ended_the_old_command_server_is_refused_and_the_next_command_works(verb: str, payload: bytes) -> None:
    harness = CoreHarness()
    harness.send(verb, payload)
    refusal = final_of(harness)
    assert refusal["ok"] is False
    assert refusal["code"] not in ("ok", "internal")
    assert [reply["code"] for reply in harness.send("health")] == ["ok"]


def test_a_command_that_waits_holds_up_no_other() -> None:
    harness = CoreHarness()
    harness.see(100)
    harness.send("save", '{"id":"slow"}')
    harness.send("pastStack", '{"id":"slower"}')
    harness.step(WorkAdvanced(1, 1, 4))
    assert [(reply["id"], reply["code"]) for reply in harness.send("health", '{"id":"quick"}')] == [("quick", "ok")]


def test_a_command_longer_than_one_packet_is_taken_whole() -> None:
    harness = CoreHarness()
    harness.see(100)
    blanks = " " * 5000
    harness.send("pastStack", '{"id":"long",' + blanks + '"at":2,"count":1}')
    harness.work()
    assert final_of(harness)["id"] == "long"
    assert final_of(harness)["data"]["frames"] == [80]  # type: ignore[index]


def test_no_setting_that_is_read_at_start_is_ever_answered_ok() -> None:
    harness = CoreHarness()
    at_start = [key for key, info in catalogue().items() if not info.live]
    assert at_start
    for key in at_start:
        value = as_text(catalogue()[key].default) or "x"
        assert [reply["code"] for reply in harness.send("set", json.dumps({"key": key, "value": value}))] == [
            "read_only"
        ]


@pytest.mark.parametrize("key", list(catalogue()))
def test_every_setting_is_read_by_some_part(key: str) -> None:
    section, _, name = key.rpartition(".")
    declared = {PACKAGE / "config", PACKAGE / "cli" / "reference"}
    sources = [path for path in PACKAGE.rglob("*.py") if not declared & set(path.parents)]
    # Its section goes by its own name, or by one of those that parts give to the section they were handed.
    holder = rf"(?:{section.rpartition('.')[2]}|config|settings|limits)"
    assert any(re.search(rf"{holder}\.{name}\b", path.read_text()) for path in sources)


def test_an_automatic_picture_is_written_in_the_formats_of_the_settings() -> None:
    harness = CoreHarness(Config.model_validate({"export": {"auto_save_interval_s": 60, "formats": ["npy", "jpg"]}}))
    harness.see(610)
    harness.work()
    assert [formats for _, formats in harness.archive.saved] == [["npy", "jpg"]]


def test_a_picture_across_a_change_of_the_rings_size_is_made_of_the_newer_frames() -> None:
    harness = CoreHarness(Config.model_validate({"ring": {"downscale": {"enable": True, "width": 32, "height": 24}}}))
    harness.see(20)
    harness.send("set", "ring.downscale.enable off")
    harness.see(20)
    harness.send("pastStack", '{"at":1.9,"count":10}')
    harness.work()
    assert final_of(harness)["ok"], final_of(harness)
    frames = final_of(harness)["data"]["frames"]  # type: ignore[index]
    assert 0 < len(frames) < 10
    assert min(frames) > 20


def test_reading_the_past_takes_nothing_from_it() -> None:
    harness = CoreHarness()
    harness.see(100)
    for _ in range(2):
        harness.send("pastStack", '{"at":2,"count":3}')
        harness.send("shortstream", "50")
        harness.work()
    assert [frame.seq for frame in harness.core.ring.last(1000)] == list(range(1, 101))


def test_a_ring_is_as_many_seconds_at_every_rate() -> None:
    for every_s in (0.1, 2.0):
        harness = CoreHarness(Config.model_validate({"ring": {"max_seconds": 10}}))
        harness.see(200, every_s=every_s)
        assert 9 <= harness.core.ring.seconds <= 10
