"""Fixtures of the console's unit tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_cam_node.console.store import schema
from pi_cam_node.console.store.database import Database
from tests.support.fakes.clock import FakeClock


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """The console's tables, empty and in memory."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute("PRAGMA foreign_keys=ON")
    schema.migrate(made)
    yield made
    made.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """The console's database, empty and in a file."""
    made = Database(tmp_path, FakeClock())
    made.open()
    yield made
    made.close()
