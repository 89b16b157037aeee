"""Fixtures of the tests of settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder for configuration files."""
    return Folder(tmp_path)
