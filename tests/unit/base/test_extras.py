"""Extras and the command that installs them."""

from __future__ import annotations

import configparser
import os
import shlex
import sys
from importlib import metadata
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base import extras

SETUP = Path(__file__).parents[3] / "setup.cfg"


def of_setup(extra: str) -> set[str]:
    """Names of the packages that an extra requires, as setup.cfg states them."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(SETUP)
    lines = setup["options.extras_require"][extra].split()
    return {line.partition(">")[0].partition("=")[0].lower() for line in lines}


@pytest.mark.parametrize("extra", ["console", "demo", "notify", "video"])
def test_the_command_names_what_the_extra_requires_and_the_python_that_runs(extra: str) -> None:
    words = shlex.split(extras.install_command(extra).removeprefix("sudo "))
    assert words[:4] == [sys.executable, "-m", "pip", "install"]
    assert {word.partition("<")[0].partition(">")[0].partition("=")[0].lower() for word in words[4:]} == of_setup(extra)


@pytest.mark.parametrize(("writable", "begins"), [(True, False), (False, True)])
def test_the_command_asks_for_root_where_the_folder_is_not_ours(
    writable: bool, begins: bool, mocker: MockerFixture
) -> None:
    mocker.patch.object(os, "access", return_value=writable)
    assert extras.install_command("video").startswith("sudo ") is begins


def test_a_program_that_is_not_installed_names_its_extra(mocker: MockerFixture) -> None:
    mocker.patch.object(metadata, "requires", side_effect=metadata.PackageNotFoundError)
    assert extras.install_command("video").endswith(" 'pi-cam-node[video]'")
