"""Files and folders are created for their owner only, whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_cam_node.base.atomic_files import make_directory
from pi_cam_node.system.log_file import LogFile
from pi_cam_node.web.auth.token import read_or_make
from tests.support.fakes.clock import FakeClock
from tests.support.pictures import ALL, archive_in, config, picture


@pytest.fixture(autouse=True)
def generous_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> set[tuple[str, int]]:
    found = [path for path in folder.rglob("*") if path.is_file() or path.is_dir()]
    return {("folder" if path.is_dir() else "file", stat.S_IMODE(path.stat().st_mode)) for path in found}


OWNER_ONLY = {("folder", 0o700), ("file", 0o600)}


def test_pictures_and_their_folders(tmp_path: Path) -> None:
    archive_in(tmp_path / "a" / "b", FakeClock()).save(picture(), ALL, config())
    assert modes(tmp_path) == OWNER_ONLY


def test_the_token_and_a_folder_that_it_makes(tmp_path: Path) -> None:
    read_or_make(tmp_path / "captures" / ".http_token")
    assert modes(tmp_path) == OWNER_ONLY


def test_the_log_and_the_old_ones(tmp_path: Path) -> None:
    handler = LogFile(tmp_path / "log" / "node.log")
    for _ in range(2):
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "a line", None, None))
        handler.doRollover()
    handler.close()
    assert modes(tmp_path) == OWNER_ONLY
    assert len(list((tmp_path / "log").iterdir())) == 2


def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(0o770)
    make_directory(tmp_path / "shared")
    assert modes(tmp_path) == {("folder", 0o770)}
