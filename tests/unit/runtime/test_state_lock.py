"""Lock of a node's state."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.runtime.state_lock import holder_of, locked_state


def test_a_second_node_with_the_same_file_is_refused_with_words(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    with locked_state(file, {}), pytest.raises(ConfigError) as refused, locked_state(file, {}, wait_s=0):
        pytest.fail("two nodes use one file")
    (problem,) = refused.value.problems
    assert problem.startswith(f"{file}: a node with these settings runs already (process ")
    assert "two-cameras.md" in problem


def test_it_is_free_again_afterwards_and_leaves_no_file(tmp_path: Path) -> None:
    for _ in range(2):
        with locked_state(tmp_path / "my.yaml", {}, wait_s=0):
            assert (tmp_path / "my.yaml.lock").stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


def test_whether_a_node_runs_is_told_without_disturbing_it(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    with locked_state(file, {}):
        assert holder_of(file, {}) == str(os.getpid())
        with pytest.raises(ConfigError), locked_state(file, {}, wait_s=0):
            pytest.fail("the lock is gone")
    assert holder_of(file, {}) == ""
    (tmp_path / "my.yaml.lock").write_text("4711\n")
    assert holder_of(file, {}) == "", "of a node that was killed"
    assert holder_of(None, {}) == ""


def test_the_file_of_a_node_that_was_killed_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "my.yaml.lock").write_text("4711\n")
    with locked_state(tmp_path / "my.yaml", {}, wait_s=0):
        assert (tmp_path / "my.yaml.lock").read_text() != "4711\n"


def test_another_file_and_another_state_directory_are_other_nodes(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with (
        locked_state(tmp_path / "my.yaml", {}),
        locked_state(tmp_path / "other.yaml", {}, wait_s=0),
        locked_state(tmp_path / "my.yaml", {"STATE_DIRECTORY": str(tmp_path / "state")}, wait_s=0),
    ):
        assert len(list(tmp_path.rglob("*.lock"))) == 3


def test_a_file_that_was_removed_while_it_was_held_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    with locked_state(file, {}):
        (tmp_path / "my.yaml.lock").unlink()
        with locked_state(file, {}, wait_s=0):
            assert (tmp_path / "my.yaml.lock").exists()


def test_without_a_place_for_it_the_node_starts_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with locked_state(None, {}), locked_state(None, {}):
        assert caplog.messages == []
    with caplog.at_level(logging.WARNING), locked_state(tmp_path / "absent" / "my.yaml", {}):
        assert "would not be noticed" in caplog.text
