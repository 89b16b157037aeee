"""Generation of docs/reliability.md from results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.reliability import report, results
from tests.support.reliability.promises import PROMISES, SECTIONS
from tests.support.reliability.results import Result

HERE = "tests/tools/test_fault_report.py"
PASSED = Result(f"{HERE}::test_every_promise_has_one_id", ("M4",), "passed", ("took 3 s",), "2026-11-20", "here")
SKIPPED = replace(PASSED, outcome="skipped", figures=("needs root",), measured="2026-11-21", needs_root=True)


def test_the_page_is_that_of_the_promises_and_the_results_kept() -> None:
    advice = "run python -m tests.support.reliability.report"
    assert report.PAGE.read_text(encoding="utf-8") == report.page(report.known()), advice


def test_every_promise_has_one_id() -> None:
    assert len(PROMISES) == sum(map(len, SECTIONS.values()))


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    results.write(PASSED, tmp_path)
    assert list(results.read(tmp_path)) == [PASSED]


def test_the_last_result_of_a_test_counts_and_a_skipped_one_takes_nothing_away() -> None:
    failed = replace(PASSED, outcome="failed")
    assert report.merged([PASSED], [failed]) == [failed]
    assert report.merged([PASSED], [SKIPPED]) == [PASSED]
    assert report.merged([], [SKIPPED]) == [SKIPPED]


def test_a_shortened_run_stands_beside_the_last_one_of_full_length() -> None:
    hour = replace(PASSED, figures=("60 min",), is_long=True)
    minute = replace(PASSED, figures=("1 min",), measured="2026-11-29")
    assert report.merged([hour], [minute]) == [hour, minute]
    assert report.merged([hour, minute], [replace(minute, outcome="failed")])[0] == hour
    longer = replace(hour, measured="2026-11-30")
    assert report.merged([hour, minute], [longer]) == [longer]
    assert "| 60 min (2026-11-20); 1 min (2026-11-29) |" in report.page([hour, minute])


def test_results_of_tests_that_are_gone_are_forgotten() -> None:
    assert report.merged([replace(PASSED, test=f"{HERE}::test_of_yesterday[5]")], []) == []


def test_a_failure_and_a_promise_without_a_test_are_said_plainly() -> None:
    text = report.page([replace(PASSED, outcome="failed", figures=("took 9 s | more",))])
    assert "**failed**: took 9 s \\| more (2026-11-20)" in text
    assert "not tested" in report.page([])


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        ([PASSED], ""),
        ([PASSED, SKIPPED, replace(SKIPPED, outcome="passed")], ""),
        ([PASSED, SKIPPED], "all 1 tests that need root or a loop device were skipped: needs root"),
    ],
)
def test_a_run_whose_tests_for_root_are_all_skipped_is_complained_of(found: list[Result], complaint: str) -> None:
    assert results.all_of_root_skipped(found) == complaint
