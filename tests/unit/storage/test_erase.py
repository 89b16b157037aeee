"""Erase: the node's files are removed, all others kept; confirmation is required."""

from __future__ import annotations

import errno
import os
import tracemalloc
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.config import Config, loader
from pi_cam_node.core.commands.erase import ERASED_CODE
from pi_cam_node.core.commands.reply_deadlines import WORK_TIMEOUT_S
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.core.events import Replied
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.privacy_filter import PrivacyFilter
from pi_cam_node.mqtt.messages.retained_state import RetainedState
from pi_cam_node.mqtt.messages.topics import Topics
from pi_cam_node.mqtt.retained_cleanup import Cleared
from pi_cam_node.runtime import erase as erasure
from pi_cam_node.runtime.last_good_config import LastGood
from pi_cam_node.runtime.start_counter import StartCounter
from pi_cam_node.runtime.state_files import state_files
from pi_cam_node.storage import erase
from pi_cam_node.storage.erase import Removed, erase_folder
from tests.support.core_harness import CoreHarness
from tests.support.model_disk import Disk

NAMES = (".http_token", ".privacy_on")
ID = "20261120T194501123Z-3f2a91c0-000042-single"
OURS = [
    *(f"{ID}.{extension}" for extension in ("jpg", "png", "npy", "json")),
    f"{ID}-2.jpg",
    f".{ID}.jpg.4711.part",
    ".http_token",
    "..http_token.4711.part",
    ".privacy_on",
]
OTHERS = [
    "holiday.jpg",
    f"{ID}.jpg.bak",
    f"{ID}.gif",
    "20261399T194501123Z-3f2a91c0-000042-single.jpg",
    ".part",
    "notes",
]


@pytest.fixture
def harness() -> CoreHarness:
    harness = CoreHarness()
    harness.see(10)
    return harness


def resisting(mocker: MockerFixture, error: int, *names: str) -> None:
    """Let files of these names not be removed."""
    real = os.unlink

    def unlink(path: Any, **options: Any) -> None:
        if Path(path).name in names:
            raise OSError(error, os.strerror(error))
        real(path, **options)

    mocker.patch.object(os, "unlink", unlink)


def code(replies: list[dict[str, Any]]) -> str:
    (reply,) = replies
    return str(reply["code"])


@pytest.mark.parametrize("arguments", ["", "yes", "pork", '{"confirm": "other"}', '{"confirm": ""}'])
def test_without_the_nodes_own_id_nothing_is_changed(harness: CoreHarness, arguments: str) -> None:
    assert code(harness.send("erase", arguments)) == "bad_request"
    assert (harness.jobs, harness.privacy_port.released, harness.exit_code, len(harness.core.ring)) == (
        [],
        [],
        None,
        10,
    )


@pytest.mark.parametrize("arguments", ["porch", '{"confirm": "porch"}'])
def test_it_says_what_is_gone_and_stops_for_good(harness: CoreHarness, arguments: str) -> None:
    harness = CoreHarness()
    own = harness.core.config.node.id
    assert harness.send("erase", arguments.replace("porch", own)) == []
    assert (harness.privacy_port.released, harness.exit_code) == ([True], None)
    (reply,) = harness.work()
    assert reply["message"] == (
        "OK: erased 2 pictures (6 files, 4096 bytes) in /captures and 61 retained topics, 0 of which are left; "
        "the node stops"
    )
    assert (reply["data"]["pictures"], reply["data"]["topics"], reply["data"]["topics_left"]) == (2, 61, 0)
    assert (harness.privacy_port.erasures, harness.exit_code) == (1, ERASED_CODE)


def test_where_it_finds_no_room_nothing_is_changed_and_the_node_goes_on(harness: CoreHarness) -> None:
    harness.worker_full = True
    assert code(harness.send("erase", harness.core.config.node.id)) == "busy"
    assert (harness.privacy_port.released, harness.core.privacy_gate.closed, harness.exit_code) == ([], False, None)
    assert (len(harness.core.ring), harness.privacy_port.erasures) == (10, 0)


def test_an_asker_who_has_waited_too_long_does_not_end_it_in_the_middle(harness: CoreHarness) -> None:
    harness.send("erase", harness.core.config.node.id)
    replies = [dict(fact.body) for fact in harness.wait(WORK_TIMEOUT_S + 1) if isinstance(fact, Replied)]
    assert "timeout" in [reply["code"] for reply in replies]
    assert (harness.privacy_port.erasures, harness.exit_code) == (0, None)
    harness.work()
    assert (harness.privacy_port.erasures, harness.exit_code) == (1, ERASED_CODE)


def test_what_could_not_be_done_is_said(harness: CoreHarness) -> None:
    harness.privacy_port.erased = EraseReport(
        "/captures", 2, 6, 4096, 0, 0, ("the retained topics stay: nothing listens",)
    )
    harness.send("erase", harness.core.config.node.id)
    (reply,) = harness.work()
    assert (reply["code"], reply["data"]["files"]) == ("not_saved", 6)
    assert "the retained topics stay" in reply["message"]
    assert harness.exit_code == ERASED_CODE


def test_only_files_of_ours_go(tmp_path: Path) -> None:
    for name in (*OURS, *OTHERS):
        (tmp_path / name).write_bytes(b"12345")
    assert erase_folder(tmp_path, NAMES) == Removed(2, len(OURS), 5 * len(OURS))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(OTHERS)
    assert erase_folder(tmp_path, NAMES) == Removed()


@pytest.mark.parametrize(("error", "told"), [(errno.EPERM, "Operation not permitted"), (errno.ENOENT, "")])
def test_a_file_that_cannot_be_removed_stops_no_other(
    tmp_path: Path, mocker: MockerFixture, error: int, told: str
) -> None:
    for name in OURS:
        (tmp_path / name).write_bytes(b"12345")
    resisting(mocker, error, f"{ID}.jpg", f"{ID}.png")
    removed = erase_folder(tmp_path, NAMES)
    assert (removed.pictures, removed.files, removed.size_bytes) == (2, len(OURS) - 2, 5 * (len(OURS) - 2))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{ID}.jpg", f"{ID}.png"]
    lines = [f"{ID}.jpg cannot be removed: {told} (and 1 more)", f"{ID}.png cannot be removed: {told} (and 1 more)"]
    assert not removed.trouble if not told else removed.trouble[0] in lines


def test_an_erase_needs_no_more_memory_than_for_the_names(tmp_path: Path) -> None:
    """It runs in the node, too: 200,000 files took 190 MiB."""
    files = [
        f"20261120T194501123Z-3f2a91c0-{number:06}-single.{end}" for number in range(750) for end in ("jpg", "json")
    ]
    for name in files:
        (tmp_path / name).touch()
    tracemalloc.start()
    try:
        assert erase_folder(tmp_path, NAMES) == Removed(750, len(files), 0)
        assert tracemalloc.get_traced_memory()[1] < 250 * len(files)
    finally:
        tracemalloc.stop()


def test_a_file_that_vanishes_between_listing_and_look_is_nobodys_trouble(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    (tmp_path / f"{ID}.jpg").write_bytes(b"12345")
    (tmp_path / f"{ID}.png").write_bytes(b"12345")
    real = erase._is_ours

    def faster(name: str, names: Collection[str]) -> bool:
        if name == f"{ID}.png":
            (tmp_path / name).unlink()
        return real(name, names)

    mocker.patch.object(erase, "_is_ours", faster)
    assert erase_folder(tmp_path, NAMES) == Removed(1, 1, 5)


def test_what_the_node_remembers_of_its_starts_goes_whatever_happens_to_the_folder(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    mocker.patch.object(erasure, "clear_retained", side_effect=lambda _config, _topics, zones: Cleared(0, 0, 0))
    starts, good = tmp_path / "node.yaml.starts", tmp_path / "node.yaml.good"
    for state in (starts, good):
        state.write_bytes(b"{}")
    folder = tmp_path / "captures"
    folder.write_bytes(b"not a folder")
    config = Config.model_validate({"export": {"base_dir": str(folder)}})
    resisting(mocker, errno.EPERM, starts.name)
    erased = erasure.erase_all(config, StartCounter(starts), LastGood(good), None)
    assert (erased.files, erased.size_bytes, good.exists()) == (1, 2, False)
    assert [str(folder) in erased.trouble[0], str(starts) in erased.trouble[1]] == [True, True], erased.trouble


def test_links_and_folders_of_our_names_are_left_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside / f"{ID}.jpg"
    target.write_bytes(b"not in the folder")
    folder = tmp_path / "captures"
    folder.mkdir()
    (folder / f"{ID}.jpg").symlink_to(target)
    (folder / ".http_token").symlink_to(outside)
    (folder / f"{ID}.png").mkdir()
    (folder / f"{ID}.png" / f"{ID}.jpg").write_bytes(b"in a folder below")
    assert erase_folder(folder, NAMES) == Removed()
    assert target.read_bytes() == b"not in the folder"
    assert sorted(path.name for path in folder.iterdir()) == [".http_token", f"{ID}.jpg", f"{ID}.png"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert erase_folder(tmp_path / "captures", NAMES) == Removed()


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "captures").write_bytes(b"a file")
    with pytest.raises(NotSaved):
        erase_folder(tmp_path / "captures", NAMES)
    assert (tmp_path / "captures").read_bytes() == b"a file"


STATE = ("my.yaml.starts", "my.yaml.good", "my.yaml.privacy_on", ".my.yaml.good.4711.part", ".my.yaml.starts.9.part")


def erase_state(tmp_path: Path, mocker: MockerFixture) -> EraseReport:
    """Erase for a node whose broker holds nothing."""
    mocker.patch.object(erasure, "clear_retained", side_effect=lambda *_, zones: Cleared(0, 0, 0))
    config = loader.load(tmp_path / "my.yaml", {}).config
    places = state_files(tmp_path / "my.yaml", {})
    return erasure.erase_all(config, StartCounter(places.starts), LastGood(places.good), places.private)


def test_the_memory_of_starts_goes_half_written_or_not(tmp_path: Path, mocker: MockerFixture) -> None:
    others = ("my.yaml", "my.yaml.bak", ".my.yaml.good.part", ".my.yaml.good.mine.part", ".other.yaml.good.4711.part")
    for name in (*STATE, *others):
        (tmp_path / name).touch()
    erased = erase_state(tmp_path, mocker)
    assert (erased.files, erased.trouble) == (len(STATE), ())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_a_power_cut_does_not_bring_the_memory_of_starts_back(tmp_path: Path, mocker: MockerFixture) -> None:
    for name in ("my.yaml", *STATE):
        (tmp_path / name).touch()
    disk = Disk(tmp_path)
    with disk.watched():
        erase_state(tmp_path, mocker)
    disk.cut(names_kept=0, fate=0)
    assert [path.name for path in tmp_path.iterdir()] == ["my.yaml"]


def test_a_muted_node_retains_nothing_and_still_answers() -> None:
    privacy_filter, retained, reply = (
        PrivacyFilter(PrivacyGate()),
        Message("a", b"x", retain=True),
        Message("b", b"y", queue_offline=True),
    )
    assert (privacy_filter.apply(retained), privacy_filter.apply(reply)) == (retained, reply)
    privacy_filter.stop_retaining()
    assert (privacy_filter.apply(retained), privacy_filter.apply(reply), privacy_filter.apply(None)) == (
        None,
        reply,
        None,
    )


def test_every_topic_that_may_be_retained_is_known_to_the_sweep() -> None:
    topics = Topics("pi_cam_node", "porch", ("garden",), "homeassistant", "homeassistant/status")
    known = RetainedState(topics).topics
    assert {topics.availability, topics.camera_availability, topics.frame, topics.media_image} <= set(known)
    assert {topics.own_discovery, topics.info, topics.state("privacy"), topics.config("night.gain")} <= set(known)
    assert not [topic for topic in known if topics.is_command(topic)]
    assert topics.is_command("pi_cam_node/porch/cmd/save")
    assert topics.is_command("pi_cam_node/porch/set/night.gain")
