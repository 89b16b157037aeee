"""Fixtures of the console's unit tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from pi_cam_node.console.store import schema


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """The console's tables, empty and in memory."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute("PRAGMA foreign_keys=ON")
    schema.migrate(made)
    yield made
    made.close()
