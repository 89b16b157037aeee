"""Fixtures: a clock, and an archive and its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.fakes.clock import FakeClock
from tests.support.pictures import archive_in


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def archive(tmp_path: Path, clock: FakeClock) -> PictureArchive:
    return archive_in(tmp_path, clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "captures"
