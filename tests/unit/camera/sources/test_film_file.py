"""Paths that hold no film, for both sources of films."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera import catalogue
from pi_cam_node.camera.source import controls_of
from pi_cam_node.config import Config

CONFIG = Config()


@pytest.mark.parametrize("ending", ["y4m", "avi"])
def test_what_is_no_file_is_said_and_not_waited_for(tmp_path: Path, ending: str) -> None:
    """A pipe that nobody writes to was opened for ever."""
    (tmp_path / f"folder.{ending}").mkdir()
    os.mkfifo(tmp_path / f"pipe.{ending}")
    for name, words in [("folder", "is a folder"), ("pipe", "is a device or a pipe"), ("none", "does not exist$")]:
        source = catalogue.make(f"file:{tmp_path / name}.{ending}")
        with pytest.raises(SourceError, match=words):
            source.open(CONFIG.camera, controls_of(CONFIG, "day"))


@pytest.mark.parametrize("name", ["~/film.avi", "film.y4m"])
def test_a_relative_path_is_told_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=f"does not exist in {tmp_path}; write the whole path"):
        catalogue.make(f"file:{name}").open(CONFIG.camera, controls_of(CONFIG, "day"))
