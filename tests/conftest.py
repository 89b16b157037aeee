"""For all tests: the option ``--faults``, and the fixture ``figure`` of those that hold the node to a promise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.recording import Recorder, figures_of


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="run the whole fault suite, the long tests too")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(config), "promises")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Take down what was measured, in words and with the bar beside it, for `docs/reliability.md`."""
    return figures_of(request.node).append
