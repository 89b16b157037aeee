"""The last good settings never show what the file hides."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.hidden import said_of_privacy
from pi_cam_node.startup import begin

MASKED = "privacy:\n  masks: ['0,0 1,0 1,1']\n"
OTHER = "privacy:\n  masks: ['0,0 1,0 0,1']\n"
PLAIN = "night: {gain: 3}\n"
BROKEN = "night: {gain: x}\n"


def start(tmp_path: Path, file: str, good: str) -> tuple[bool, list[str]]:
    """Return whether a start is private, and its masks."""
    path = tmp_path / "config.yaml"
    path.write_text(file)
    (tmp_path / "config.yaml.good").write_text(good)
    loaded, begun = begin(path, {})
    assert begun.has_last_good
    return loaded.config.privacy.enable, loaded.config.privacy.masks


@pytest.mark.parametrize(
    ("file", "good", "private"),
    [
        (BROKEN, PLAIN, False),
        (BROKEN + MASKED, MASKED, False),
        (BROKEN + "privacy:\n  # a remark\n  masks: [ '0,0 1,0 1,1' ]\n", MASKED, True),
        (BROKEN + "privacy:\n  # a remark\n  masks: ['0,0 1,0 1,1']\nring: {}\n", MASKED, False),
        (BROKEN + MASKED, PLAIN, True),
        (BROKEN, MASKED, True),
        ("privacy:\n  masks: ['0,0 2,0 1,1']\n", PLAIN, True),
        ("privacy: {enable: maybe}\n", PLAIN, True),
        (BROKEN + OTHER, MASKED, True),
    ],
)
def test_a_file_that_cannot_be_read_and_hides_something_else_begins_in_privacy(
    tmp_path: Path, file: str, good: str, private: bool
) -> None:
    assert start(tmp_path, file, good)[0] is private


def test_a_file_that_can_be_read_keeps_its_masks_when_its_starts_come_to_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "config.yaml").write_text(MASKED)
        begin(tmp_path / "config.yaml", {})
    assert start(tmp_path, MASKED, "night: {gain: 3}\n") == (False, ["0,0 1,0 1,1"])


def test_a_section_ends_where_the_next_begins() -> None:
    assert said_of_privacy(b"a: 1\nprivacy:\n\n  enable: on # x\n# y\n  masks:\n  - 'z'\nb: 2\n") == (
        b"privacy: enable: on masks: - 'z'"
    )
    assert said_of_privacy(b"other:\n  privacy: 1\n") == b""
