"""Fixtures of the fault suite: a web server with a token, faulty links, and how long to cause a fault for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults import fault_tools
from tests.faults.disks import fault_disk
from tests.support.broker import Mosquitto
from tests.support.reliability.recorder import IS_LONG
from tests.support.web_server import RunningWebServer

# Starts a proxy in front of a broker: ``.port``; ``.set("blackhole")`` and the like; ``.accept_times``.
FaultyProxy = Callable[[Mosquitto], Any]


# What opens `server`.
TOKEN = "a-token-of-the-house-that-is-long-enough"


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningWebServer]:
    """A web server that asks for a token, without TLS and with it."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    with RunningWebServer(tmp_path, tls=request.param == "https", http={"token_file": str(path)}) as serving:
        yield serving


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether faults last as long as the promise says (``FAULTS_LONG=1``); else the figure tells how long."""
    request.node.stash[IS_LONG] = os.environ.get("FAULTS_LONG") == "1"
    return request.node.stash[IS_LONG]  # type: ignore[no-any-return]


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether a fault is caused as often as the promise says (``--faults``); else a few times."""
    request.node.stash[IS_LONG] = bool(request.config.getoption("--faults")) or os.environ.get("FAULTS_LONG") == "1"
    return request.node.stash[IS_LONG]  # type: ignore[no-any-return]


@pytest.fixture
def faulty_link() -> Iterator[FaultyProxy]:
    """Start proxies that cut, delay, swallow or corrupt what passes; they end with the test."""
    with ExitStack() as stack:
        yield lambda broker: stack.enter_context(fault_tools.proxy_before(broker.port))


@pytest.fixture
def disk() -> Iterator[Any]:
    """A file system on a loop device, for faults of the disk."""
    with fault_disk() as made:
        yield made


@pytest.fixture
def clock() -> Iterator[Any]:
    """A wall clock for the node that the test moves; for `ObservedNode` as ``environment=clock.env``."""
    if shutil.which("cc") is None:
        pytest.skip("a C compiler is needed to move the clock of one process")
    with fault_tools.load("clock").FakeClock() as made:
        yield made
        made._m.close()
        made._f.close()
