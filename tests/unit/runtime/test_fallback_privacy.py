"""The last good settings do not weaken the privacy of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.runtime.fallback_privacy import said_of_privacy
from pi_cam_node.runtime.startup import begin

MASKED = "privacy:\n  masks: ['0,0 1,0 1,1']\n"
OTHER = "privacy:\n  masks: ['0,0 1,0 0,1']\n"
PLAIN = "night: {gain: 3}\n"
BROKEN = "night: {gain: x}\n"


def start(tmp_path: Path, file: str, good: str) -> tuple[bool, list[str]]:
    """Return whether a start is private, and its masks."""
    path = tmp_path / "config.yaml"
    path.write_text(file, newline="")
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


def test_the_masks_of_the_file_hide_the_same_where_the_last_good_settings_turn_the_picture(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "config.yaml").write_text(MASKED)
        begin(tmp_path / "config.yaml", {})
    turned = "camera: {rotation: 180}\n" + MASKED.replace("0,0 1,0 1,1", "1,1 0,1 0,0")
    assert start(tmp_path, MASKED, turned) == (False, ["1,1 0,1 0,0"])


MASKS = '["0,0 0.5,0 0.5,1 0,1"]'
NODE = "node:\n  id: porch\n"
BAD_NODE = NODE + "  nme: x\n"


@pytest.mark.parametrize(
    ("file", "good"),
    [
        pytest.param(f'"privacy":\n  masks: {MASKS}\n' + BAD_NODE, '"privacy":\n  masks: []\n' + NODE, id="in quotes"),
        pytest.param(f"'privacy':\n  enable: true\n{BAD_NODE}", NODE, id="in single quotes"),
        pytest.param(
            f"  node:\n    id: porch\n    nme: x\n  privacy:\n    masks: {MASKS}\n",
            "  node:\n    id: porch\n",
            id="everything further to the right",
        ),
        pytest.param(f"\ufeffprivacy:\n  masks: {MASKS}\n{BAD_NODE}", f"\ufeff{NODE}", id="after a byte order mark"),
        pytest.param(
            f'privacy: {{masks: [\n"0,0 0.5,0 0.5,1 0,1"\n]}}\n{BAD_NODE}',
            f'privacy: {{masks: [\n"0,0 0.1,0 0.1,1 0,1"\n]}}\n{NODE}',
            id="a list that goes on at the left",
        ),
        pytest.param(
            "{node: {id: porch, nme: x}, privacy: {enable: true}}\n", "{node: {id: porch}}\n", id="between braces"
        ),
        pytest.param(f"Privacy:\n  masks: {MASKS}\n{NODE}", NODE, id="with a capital"),
        pytest.param(f"privcy:\n  masks: {MASKS}\n{NODE}", NODE, id="mistyped"),
        pytest.param(f"masks: {MASKS}\n{NODE}", NODE, id="outside its section"),
        pytest.param(
            f'{BAD_NODE}privacy:\n  masks: []\n"privacy":\n  enable: true\n',
            f"{NODE}privacy:\n  masks: []\n",
            id="twice",
        ),
        pytest.param(f'"privacy":\n  masks: {MASKS}\nnode: [\n', NODE, id="in quotes, and no YAML"),
        pytest.param('"\\x70rivacy":\n  enable: true\nnode: [\n', NODE, id="with a letter as a number, and no YAML"),
        pytest.param(
            'privacy: {masks: [\n"0,0 0.5,0 0.5,1 0,1"\n]}\nnode: [\n',
            f'privacy: {{masks: [\n"0,0 0.1,0 0.1,1 0,1"\n]}}\n{NODE}',
            id="a list that goes on at the left, and no YAML",
        ),
        pytest.param('# mine\rnode: [\r"privacy": {enable: true}\r', NODE, id="lines that end with CR, and no YAML"),
        pytest.param(f"{NODE}{'#' * (1 << 20)}\nprivacy:\n  masks: {MASKS}\n", NODE, id="behind what is read"),
    ],
)
def test_however_it_is_written_a_file_that_hides_something_else_begins_in_privacy(
    tmp_path: Path, file: str, good: str
) -> None:
    assert start(tmp_path, file, good)[0]


def test_a_file_of_two_bytes_a_letter_is_looked_through_too(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(f"{NODE}privacy:\n  enable: true\n".encode("utf-16"))
    (tmp_path / "config.yaml.good").write_text(NODE)
    assert begin(path, {})[0].config.privacy.enable


@pytest.mark.parametrize(
    ("file", "good"),
    [
        (f'"privacy":\n  masks: {MASKS}\n{BAD_NODE}', f'"privacy":\n  masks: {MASKS}\n{NODE}'),
        (f"# on privacy and masks\nnode: [\n{MASKED}", f"# on privacy\n{MASKED}{NODE}"),
        ("# on privacy and masks\nnode: [\n", NODE),
        (f"{{node: {{id: porch, nme: x}}, privacy: {{masks: {MASKS}}}}}", f"{{privacy: {{masks: {MASKS}}}}}"),
    ],
)
def test_what_certainly_says_the_same_does_not(tmp_path: Path, file: str, good: str) -> None:
    assert not start(tmp_path, file, good)[0]


def test_a_section_ends_where_the_next_begins() -> None:
    assert said_of_privacy(b"a: 1\nprivacy:\n\n  enable: on # x\n# y\n  masks:\n  - 'z'\nb: 2\n") == (
        b"privacy: enable: on masks: - 'z'"
    )
    assert said_of_privacy(b"other:\n  privacy: 1\n") == b""
