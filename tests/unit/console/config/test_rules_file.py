"""Writing of rules to the console's file; everything else in it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.console.config.loader import load
from pi_cam_node.console.config.rules_file import with_rules, write_rules
from pi_cam_node.console.rules.models import Rule

PATH = Path("/etc/pi_cam_node/console.yaml")
TEXT = """\
# my house
console:
  port: 8091  # not the default
rules:
  # the front door
  - when: {sensor: front_door, becomes: open}   # keep me
    do:
      - {past: porch, at: 2}
  # the back door
  - when: {sensor: back_door, becomes: open}
    do: [{push: [anna]}]
# the end
mqtt:
  host: broker
"""
NEW = Rule.model_validate(
    {
        "name": "Motion: at night",
        "when": {"camera": "hall", "event": "motion_started"},
        "if": {"between": ["22:00", "6:00"]},
        "do": [{"push": ["anna"], "text": "a: b"}],
    }
)


def rules_in(text: str) -> tuple[Rule, ...]:
    return load(PATH, {}, text.encode()).rules


def written(text: str, *rules: Rule) -> str:
    return with_rules(text.encode(), PATH, rules).decode()


def test_a_new_rule_goes_behind_the_others() -> None:
    text = written(TEXT, *rules_in(TEXT), NEW)
    assert rules_in(text)[-1] == NEW
    head, tail = TEXT.split("# the end\n")
    assert text.startswith(head)
    assert text.endswith(f"# the end\n{tail}")
    assert text.index("# the end") > text.index("Motion: at night")


def test_a_rule_that_goes_takes_its_comments_along() -> None:
    first, second = rules_in(TEXT)
    text = written(TEXT, second)
    assert "# the front door" not in text
    assert "# the back door" in text
    assert written(TEXT, first).count("keep me") == 1


def test_no_rules_at_all_and_the_first_ever() -> None:
    empty = written(TEXT)
    assert rules_in(empty) == ()
    assert "host: broker" in empty
    assert rules_in(written(empty, NEW)) == (NEW,)
    assert rules_in(written("", NEW)) == (NEW,)
    assert written("# only a comment\n", NEW).startswith("# only a comment\n")
    assert rules_in(written("rules: [{when: {sensor: a, becomes: 'on'}, do: [{save: hall}]}]\n", NEW)) == (NEW,)


def test_a_file_that_is_not_valid_is_left_alone() -> None:
    with pytest.raises(NotSaved):
        with_rules(b"rules: [1", PATH, [NEW])


def test_a_file_edited_by_hand_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "console.yaml"
    path.write_text(TEXT)
    with pytest.raises(NotSaved, match="by hand"):
        write_rules(path, [NEW], b"as it was")
    assert path.read_text() == TEXT


def test_the_file_keeps_its_mode_and_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "console.yaml"
    path.write_text(TEXT)
    path.chmod(0o640)
    new = write_rules(path, [NEW], TEXT.encode())
    assert path.read_bytes() == new
    assert (path.stat().st_mode & 0o777, (tmp_path / "console.yaml.bak").read_text()) == (0o640, TEXT)


def test_without_a_file_rules_are_not_kept() -> None:
    with pytest.raises(NotSaved, match="without a file"):
        write_rules(None, [NEW], None)
