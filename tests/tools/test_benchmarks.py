"""Evaluation of benchmark figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from benchmarks import page
from benchmarks.bars import BARS, Result, ratios
from benchmarks.run import ROWS, measure, table

EVERYTHING = [Result(bar, [2.0], [2.0], [BARS[bar].reach]) for bar in BARS]


def as_page(results: list[Result]) -> str:
    told = {"machine": {"processor": "a board"}, "rounds": 3, "window_s": 6.0}
    return page.page({**told, "results": [result.as_json() for result in results]})


@pytest.mark.parametrize(
    ("figure", "verdict"), [(1.2, "aim reached"), (1.25, "aim reached"), (1.3, "reached"), (1.4, "NOT reached")]
)
def test_a_figure_is_judged_by_its_bar(figure: float, verdict: str) -> None:
    assert Result("cpu", figures=[figure]).verdict == verdict


def test_ratios_are_taken_in_each_round_and_the_median_counts() -> None:
    result = ratios("cpu", [2.0, 8.0, 3.0], [1.0, 2.0, 2.0])
    assert result.figures == [2.0, 4.0, 1.5]
    assert result.figure == 2.0


def test_what_could_not_be_measured_is_said_so_and_reaches_nothing() -> None:
    result = Result("memory", [150.0], missing="motion is not installed")
    assert result.verdict == "not measured"
    assert "motion is not installed" in table([result])
    assert "motion is not installed" in as_page([result])


def test_the_page_holds_every_bar_with_its_verdict() -> None:
    text = as_page(EVERYTHING)
    for bar in BARS.values():
        assert f"| {bar.what} |" in text
    assert text.count("| reached |") + text.count("| aim reached |") == len(BARS)
    assert "a board" in text


def test_every_bar_belongs_to_a_row() -> None:
    assert {bar.partition("-")[0] for bar in BARS} == set(ROWS)


def test_a_row_that_fails_is_told_and_the_others_are_measured(
    tmp_path: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = mocker.Mock(side_effect=RuntimeError("a viewer got 3 of 10 pictures a second"))
    working = mocker.Mock(return_value=iter([Result("cpu", figures=[1.0])]))
    mocker.patch.dict(ROWS, {"get": broken, "cpu": working})
    results = measure(["get", "cpu"], tmp_path, rounds=1, window_s=1)
    assert [result.bar for result in results] == ["get-p50", "get-p99", "cpu"]
    assert [result.figure for result in results] == [None, None, 1.0]
    assert "a viewer got 3 of 10" in results[0].missing
    assert "RuntimeError" in capsys.readouterr().err
