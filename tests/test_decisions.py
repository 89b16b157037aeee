"""Everything that the decision records refer to exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
FLAWS = ROOT / "docs" / "decisions" / "0005-flaws-of-the-service-we-grew-from.md"

NUMBERED_FLAWS = 47
ANSWERS = ("test: ", "impossible by construction: ", "not in this version: ", "stays: ")


def named_tests(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


def rows_of(text: str) -> list[list[str]]:
    lines = [line.strip("| ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[1:]]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem[:4])
def test_every_test_that_a_decision_names_exists(page: Path) -> None:
    for file, name in named_tests(page.read_text()):
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        written = {node.name for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, functions)}
        assert name in written, f"{file}::{name}"


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem[:4])
def test_every_file_that_a_decision_names_exists(page: Path) -> None:
    for file in re.findall(r"`((?:pi_cam_node|tests)/[\w/]+\.py)`", page.read_text()):
        assert (ROOT / file).exists(), file


def test_every_flaw_has_one_answer() -> None:
    rows = rows_of(FLAWS.read_text())
    assert [number for number, _, _ in rows] == [*map(str, range(1, NUMBERED_FLAWS + 1)), "Colour", "second ring"]
    for number, flaw, answer in rows:
        assert flaw, number
        assert any(kind in answer for kind in ANSWERS), number
        assert "test: " not in answer or named_tests(answer), number


def test_a_name_that_does_not_exist_would_be_noticed() -> None:
    assert named_tests("see `tests/unit/test_x.py::test_y` and tests/unit/test_z.py::test_z") == [
        ("tests/unit/test_x.py", "test_y")
    ]
