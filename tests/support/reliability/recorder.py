"""Pytest plugin that selects the tests of promises, and stores their results. Installed by `tests/conftest.py`."""

from __future__ import annotations

import platform
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.reliability import results
from tests.support.reliability.promises import PROMISES
from tests.support.reliability.results import Result

FIGURES = pytest.StashKey[list[str]]()
OUTCOME = pytest.StashKey[str]()
IS_LONG = pytest.StashKey[bool]()
HERE = Path(__file__).parent


class Recorder:
    """Deselects long tests, checks markers, and writes a result for each test of a promise."""

    def __init__(self, config: pytest.Config) -> None:
        named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
        # If files of the suite are named, their long tests are selected, too.
        self._all: bool = config.getoption("--faults") or any(path.is_relative_to(HERE) for path in named)
        self._results: list[Result] = []
        self._complaint = ""

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        for item in items:
            if unknown := set(promises_of(item)) - PROMISES.keys():
                raise pytest.UsageError(f"{item.nodeid}: promises.py has no {', '.join(sorted(unknown))}")
        if self._all:
            return
        long = [item for item in items if item.get_closest_marker("faults") and not item.get_closest_marker("short")]
        items[:] = [item for item in items if item not in set(long)]
        config.hook.pytest_deselected(items=long)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report: pytest.TestReport = yield
        figures = figures_of(item)
        if report.skipped and isinstance(report.longrepr, tuple):
            figures[:] = [report.longrepr[2].removeprefix("Skipped: ")]
        if report.when == "setup" or report.outcome != "passed":
            item.stash[OUTCOME] = report.outcome
        if report.when == "teardown" and promises_of(item):
            self._keep(item)
        return report

    def _keep(self, item: pytest.Item) -> None:
        result = Result(
            test=item.nodeid,
            promises=promises_of(item),
            outcome=item.stash[OUTCOME],
            figures=tuple(figures_of(item)),
            measured=time.strftime("%Y-%m-%d"),
            on=f"Python {platform.python_version()}, {platform.machine()}",
            needs_root=item.get_closest_marker("root") is not None,
            is_long=item.stash.get(IS_LONG, False),
        )
        self._results.append(result)
        results.write(result)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        # The complete suite must not pass without root; a single test run may.
        if session.config.getoption("--faults"):
            self._complaint = results.all_of_root_skipped(self._results)
            if self._complaint:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._complaint:
            terminalreporter.section("nothing that needs root was tested", red=True)
            terminalreporter.write_line(self._complaint)


def promises_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the ids of the promises of a test, its own markers first."""
    return tuple(str(name) for marker in item.iter_markers("promise") for name in marker.args)


def figures_of(item: pytest.Item) -> list[str]:
    """Return the list of a test's measured figures, for appending."""
    none: list[str] = []
    return item.stash.setdefault(FIGURES, none)
