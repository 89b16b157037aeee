"""Counting of failed starts."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.runtime.last_good_config import LastGood
from pi_cam_node.runtime.start_counter import GOOD_START, SAFE_START, StartCounter
from pi_cam_node.runtime.startup import Start, begin, remembered, with_camera_process
from pi_cam_node.runtime.state_files import state_files
from pi_cam_node.storage.privacy_marker import PrivacyMarker

GOOD = b"# mine\ncamera: {source: synthetic}\nnode: {id: porch}\n"
OTHER = b"camera: {source: synthetic}\nnode: {id: other}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.yaml"
    path.write_bytes(GOOD)
    return path


def keep(file: Path, content: bytes = GOOD) -> None:
    file.with_name("my.yaml.good").write_bytes(content)


def start(file: Path, times: int = 1) -> Start:
    for _ in range(times):
        _, started = begin(file, {})
    return started


def test_lives_that_come_to_nothing_are_counted(file: Path) -> None:
    assert [start(file).number for _ in range(4)] == [1, 2, 3, 4]


def test_a_life_that_vanished_while_frames_came_does_not_count(file: Path) -> None:
    start(file, 3).file.frames_came()
    assert start(file).number == 1


def test_a_life_that_the_node_gave_up_counts_although_frames_came(file: Path) -> None:
    first = start(file)
    first.file.frames_came()
    first.file.failed("the thread worker hangs")
    assert start(file).number == 2


def test_a_life_that_proved_itself_or_ended_in_order_sets_the_count_back(file: Path) -> None:
    start(file, 4).file.proved()
    assert start(file).number == 1


def test_a_life_that_is_given_up_after_it_proved_itself_is_the_first_in_a_row(file: Path) -> None:
    long = start(file, 4)
    long.file.proved()
    long.file.failed("the thread worker hangs")
    assert start(file).number == 1


def test_from_the_third_start_the_last_good_settings_are_in_force(file: Path) -> None:
    keep(file, OTHER)
    assert not start(file, GOOD_START - 1).has_last_good
    loaded, third = begin(file, {})
    assert third.has_last_good
    assert loaded.config.node.id == "other"
    assert loaded.path == file
    assert "2 starts in a row came to nothing; the last good settings are in force" in "; ".join(third.why)


def test_without_last_good_settings_the_third_start_is_as_the_first(file: Path) -> None:
    third = start(file, GOOD_START)
    assert (third.has_last_good, third.why) == (False, ())


def test_last_good_settings_that_are_those_of_the_file_are_no_news(file: Path) -> None:
    keep(file)
    assert start(file, GOOD_START).why == ()


def test_from_the_fifth_start_the_camera_is_left_alone(file: Path) -> None:
    assert not start(file, SAFE_START - 1).is_safe
    fifth = start(file)
    assert fifth.is_safe
    assert "safe mode" in fifth.why[-1]
    assert start(file).is_safe


@pytest.mark.parametrize("bad", [b"night: {gian: 3}\n", b"\xff\xfe", b"", b"\0" * 40, b"node: [", b"a" * (2 << 20)])
def test_a_file_that_is_not_usable_is_left_as_it_is_and_the_last_good_settings_run(file: Path, bad: bytes) -> None:
    keep(file)
    file.write_bytes(bad)
    loaded, started = begin(file, {})
    assert loaded.config.node.id == "porch"
    assert started.has_last_good
    assert "is not usable, and left as it is" in started.why[0] or "not usable" in started.why[0]
    assert file.read_bytes() == bad


def test_a_file_that_is_gone_is_one_that_is_not_usable(file: Path) -> None:
    keep(file)
    file.unlink()
    assert begin(file, {})[0].config.node.id == "porch"


def test_without_last_good_settings_a_bad_file_starts_nothing_and_counts_nothing(file: Path) -> None:
    file.write_bytes(b"night: {gian: 3}\n")
    with pytest.raises(ConfigError, match="gian"):
        begin(file, {})
    file.write_bytes(GOOD)
    assert start(file).number == 1


def test_where_neither_is_usable_the_faults_of_the_file_are_told(file: Path) -> None:
    keep(file, b"night: {gani: 3}\n")
    file.write_bytes(b"night: {gian: 3}\n")
    with pytest.raises(ConfigError, match="gian"):
        begin(file, {})


def test_an_empty_file_is_a_file_where_there_was_never_more(file: Path) -> None:
    file.write_bytes(b"")
    assert begin(file, {})[1].why == ()


@settings(deadline=None)
@given(at=st.integers(0, len(GOOD)))
def test_a_file_cut_anywhere_always_gives_a_node(tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    file = tmp_path_factory.mktemp("cut") / "my.yaml"
    keep(file)
    file.write_bytes(GOOD[:at])
    loaded, _ = begin(file, {})
    assert loaded.config.node.id


@settings(deadline=None)
@given(bit=st.integers(0, len(GOOD) * 8 - 1))
def test_a_file_with_a_flipped_bit_always_gives_a_node(tmp_path_factory: pytest.TempPathFactory, bit: int) -> None:
    file = tmp_path_factory.mktemp("flip") / "my.yaml"
    keep(file)
    torn = bytearray(GOOD)
    torn[bit // 8] ^= 1 << bit % 8
    file.write_bytes(torn)
    loaded, _ = begin(file, {})
    assert loaded.config.node.id


# ------------------------------------------------------------------ the files


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"start": "x"}',
        b"\xff",
        b'{"start": 1e999, "had_frames": 0, "failed": ""}',
        b"[" * 4096,
    ],
)
def test_a_damaged_count_is_a_first_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "starts"
    path.write_bytes(content)
    assert StartCounter(path).begin() == 1
    assert json.loads(path.read_bytes())["start"] == 1


def test_a_count_that_cannot_be_kept_costs_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    counter = StartCounter(tmp_path / "nowhere" / "starts")
    assert counter.begin() == 1
    counter.frames_came()
    counter.proved()
    assert len(caplog.records) == 1


def test_the_state_is_where_systemd_says_else_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    assert state_files(file, {}).good == tmp_path / "my.yaml.good"
    assert state_files(file, {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}).starts == Path("/var/lib/a/my.yaml.starts")
    assert state_files(None, {}).starts is None
    assert state_files(None, {"STATE_DIRECTORY": "/var/lib/a"}).starts == Path("/var/lib/a/config.yaml.starts")


def test_good_settings_are_kept_with_comments_and_changes_for_their_owner_only(file: Path) -> None:
    loaded, started = begin(file, {})
    changed = loaded.config.model_copy(update={"night": loaded.config.night.model_copy(update={"gain": 9.0})})
    started.good.save(GOOD, file, changed)
    kept = file.with_name("my.yaml.good")
    assert b"# mine" in kept.read_bytes()
    assert begin(kept, {})[0].config.night.gain == 9.0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert file.read_bytes() == GOOD


def test_good_settings_that_are_kept_already_are_not_written_again(file: Path) -> None:
    loaded, started = begin(file, {})
    started.good.save(GOOD, file, loaded.config)
    kept = file.with_name("my.yaml.good")
    before = kept.stat().st_mtime_ns, kept.stat().st_ino
    started.good.save(GOOD, file, loaded.config)
    assert (kept.stat().st_mtime_ns, kept.stat().st_ino) == before


def test_good_settings_that_cannot_be_kept_cost_one_warning(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    loaded, _ = begin(file, {})
    good = LastGood(file.parent / "nowhere" / "good")
    good.save(GOOD, file, loaded.config)
    good.save(GOOD, file, loaded.config)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("alone", ["privacy", "safe mode"])
def test_no_camera_process_is_started_beforehand_where_the_camera_is_to_be_left_alone(file: Path, alone: str) -> None:
    if alone == "privacy":
        file.write_text("privacy: {enable: true}\n")
    loaded, start = begin(file, {})
    start = replace(start, is_safe=alone == "safe mode")
    assert with_camera_process(start, loaded).spawned is None


def test_privacy_that_was_on_when_the_node_was_last_seen_is_on(tmp_path: Path, file: Path) -> None:
    loaded, begun = begin(file, {"PI_CAM_NODE__EXPORT__BASE_DIR": str(tmp_path)})
    assert not remembered(loaded, begun.private).config.privacy.enable
    PrivacyMarker(loaded.config.export.base_dir).put(True)
    assert remembered(loaded, begun.private).config.privacy.enable


def test_privacy_stays_on_where_the_last_good_settings_name_another_folder(file: Path) -> None:
    keep(file, GOOD + b"export: {base_dir: old}\n")
    file.write_bytes(GOOD + b"export: {base_dir: new}\n")
    loaded, begun = begin(file, {})
    PrivacyMarker(loaded.config.export.base_dir, begun.private).put(True)
    file.write_bytes(GOOD + b"export: {base_dirr: new}\n")
    loaded, begun = begin(file, {})
    assert (begun.has_last_good, loaded.config.export.base_dir.name) == (True, "old")
    assert remembered(loaded, begun.private).config.privacy.enable
    PrivacyMarker(loaded.config.export.base_dir, begun.private).put(False)
    assert not remembered(loaded, begun.private).config.privacy.enable


def test_a_start_removes_what_a_killed_life_had_half_written(file: Path) -> None:
    ours = [".my.yaml.good.4711.part", ".my.yaml.starts.4711.part", ".my.yaml.4711.part"]
    others = [".my.yaml.part", ".my.yaml.mine.part", ".your.yaml.good.4711.part"]
    for name in ours + others:
        (file.parent / name).touch()
    start(file)
    assert sorted(path.name for path in file.parent.glob(".*")) == sorted(others)
