"""Fixtures of the fault suite: the broker of the integration tests, and how long to cause a fault for."""

from __future__ import annotations

import os

import pytest

from tests.integration.conftest import broker, start_broker

__all__ = ["broker", "long", "start_broker"]


@pytest.fixture
def long() -> bool:
    """Whether faults last as long as the promise says (``FAULTS_LONG=1``); else the figure tells how long."""
    return os.environ.get("FAULTS_LONG") == "1"
