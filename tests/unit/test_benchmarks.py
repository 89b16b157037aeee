"""What the benchmarks make of their figures; that they run is seen by running them."""

from __future__ import annotations

import pytest

from benchmarks import page
from benchmarks.bars import BARS, Result, ratios
from benchmarks.run import table

EVERYTHING = [Result(bar, [2.0], [2.0], [BARS[bar].reach]) for bar in BARS]


def as_page(results: list[Result]) -> str:
    told = {"machine": {"processor": "a board"}, "rounds": 3, "window_s": 6.0}
    return page.page({**told, "results": [result.as_json() for result in results]})


@pytest.mark.parametrize(
    ("figure", "verdict"), [(1.2, "aim reached"), (1.25, "aim reached"), (1.4, "reached"), (1.6, "NOT reached")]
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
