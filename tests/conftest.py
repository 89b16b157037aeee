"""Shared by all suites: the option ``--faults``, the fixture ``figure``, and the broker."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import bars
from tests.support.broker import Mosquitto, StartBroker, find_mosquitto
from tests.support.reliability.recorder import Recorder, figures_of

# How long an example takes on a machine with other work is no property of the code: figures of time are benchmarks.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="run the whole fault suite, the long tests too")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(config), "promises")
    # nohup has SIGHUP ignored, and "&" of a script SIGINT: the programs under test would inherit that, but no handlers.
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)
    if config.getoption("--faults"):
        bars.judge_strictly()


@pytest.fixture(scope="session", autouse=True)
def left_open() -> Iterator[None]:
    """Fail where tests leave threads and files open: beyond 1023 of these paho-mqtt's clients connect no more."""
    yield
    files = len(list(Path("/proc/self/fd").iterdir()))
    assert (files < 300, threading.active_count() < 100) == (True, True), (files, threading.enumerate())


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Take down what was measured, in words and with the bar beside it, for `docs/reliability.md`."""
    return figures_of(request.node).append


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a broker, so that ``-m 'not broker'`` leaves it out."""
    for item in items:
        if {"broker", "start_broker"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.broker)


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[StartBroker]:
    """Start brokers: ``start_broker(lines=(), users=None, acl=None, start=True)``; they end with the test."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with ExitStack() as stack:

        def start(
            lines: Sequence[str] = (),
            users: Mapping[str, str] | None = None,
            acl: str | None = None,
            *,
            start: bool = True,
        ) -> Mosquitto:
            folder = tmp_path / f"broker{len(list(tmp_path.glob('broker*')))}"
            folder.mkdir()
            broker = Mosquitto(folder, lines, users, acl)
            stack.callback(broker.close)
            return broker.start() if start else broker

        yield start


@pytest.fixture
def broker(start_broker: StartBroker) -> Mosquitto:
    """A running broker that admits every client and is empty after a restart."""
    return start_broker(["set_tcp_nodelay true"])
