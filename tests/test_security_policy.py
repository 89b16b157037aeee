"""SECURITY.md is true of the repository, and exceptions from the security lint have reasons."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
POLICY = (ROOT / "SECURITY.md").read_text()
# An upgrade to the next major of these has broken programs that use them.
BOUNDED = {"aiohttp": "<4", "paho-mqtt": "<3", "pydantic": "<3", "psutil": "<8", "PyYAML": "<7"}


@pytest.mark.parametrize("promise", ["privately", "5 working days", "90 days", "two years", "advisory"])
def test_the_policy_says_how_flaws_are_reported_and_when_they_are_answered(promise: str) -> None:
    assert promise in POLICY


def test_the_policy_names_nothing_that_is_not_there() -> None:
    named = set(re.findall(r"`((?:tests|scripts|\.ci)/[\w./-]+)`", POLICY))
    assert len(named) > 8
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("name", ["sbom", "audit", "fuzz"])
def test_its_scripts_can_be_run(name: str) -> None:
    assert os.access(ROOT / "scripts" / name, os.X_OK)


@pytest.mark.parametrize("name", BOUNDED)
def test_what_has_broken_others_has_an_upper_major(name: str) -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = setup["options"]["install_requires"].split()
    assert any(line.startswith(f"{name}>=") and line.endswith(BOUNDED[name]) for line in required), required


def test_no_requirement_pulls_numpy_2_into_the_pis_own_packages() -> None:
    required = (ROOT / "setup.cfg").read_text()
    assert "numpy>=1.24\n" in required
    assert 'opencv-python-headless>=4.7,<4.12; python_version < "3.12"' in required


def test_the_security_lint_covers_the_package_and_its_exceptions_say_why() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    ignored = {rule for rule in lint["ignore"] if re.fullmatch(r"S[0-9]*", rule)}
    assert ignored == {"S101", "S311"}
    for glob, rules in lint["per-file-ignores"].items():
        assert not glob.startswith("pi_cam_node") or not [rule for rule in rules if re.fullmatch(r"S[0-9]*", rule)]
    for path in (ROOT / "pi_cam_node").rglob("*.py"):
        for line in path.read_text().splitlines():
            excepted = re.search(r"noqa: S[0-9]+(.*)", line)
            assert excepted is None or len(excepted[1].strip(" -#–")) > 10, f"{path.name}: {line.strip()}"
