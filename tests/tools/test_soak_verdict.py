"""Verdict on the records of a soak."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.soak.records import Record, Records, read
from benchmarks.soak.report import as_text
from benchmarks.soak.verdict import Verdict, judge

HOUR_S = 3600.0
FLAT: dict[str, float] = {"pid": 1, "rss_mib": 90.0, "pss_mib": 70.0, "fds": 16, "threads": 7, "cpu_s": 10.0}


def slope(times: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Return the slope from the first value to the last, without uncertainty."""
    per_hour = (values[-1] - values[0]) / (times[-1] - times[0]) * HOUR_S
    return per_hour, per_hour, per_hour


def unsure(times: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    middle = slope(times, values)[0]
    return middle, middle - 5, middle + 5


def samples(**growth: float) -> list[Record]:
    """Return samples over an hour in which figures of the node grow by so much in all."""
    made = []
    for number in range(100):
        share = number / 99
        node = FLAT | {key: FLAT[key] + by * share for key, by in growth.items()}
        made.append({"what": "sample", "t": share * HOUR_S, "node": node, "camera": FLAT | {"pid": 2}})
    return made


def ending(**stopped: Any) -> list[Record]:
    return [
        {"what": "retained", "t": HOUR_S, "topics": 56, "wrong": []},
        {"what": "stopped", "t": HOUR_S, "code": 0, "farewell": "offline"} | stopped,
        {"what": "films", "t": HOUR_S, "count": 3, "broken": []},
        {"what": "tracebacks", "t": HOUR_S, "count": 0, "errors": 0},
    ]


def test_a_node_that_stays_as_it_is_held() -> None:
    verdict = judge([*samples(), *ending()], slope)
    assert verdict.word == "held"
    assert verdict.figures["node rss_mib"]["slope_per_h"] == 0


@pytest.mark.parametrize(("what", "by"), [("rss_mib", 2.0), ("fds", 1.0), ("threads", 1.0)])
def test_growth_that_is_proven_speaks_against_it(what: str, by: float) -> None:
    verdict = judge([*samples(**{what: by}), *ending()], slope)
    assert verdict.word == "FAILED"
    assert f"node {what} grows" in verdict.against[0]


def test_growth_that_may_be_noise_is_not_proven() -> None:
    assert judge([*samples(), *ending()], unsure).word == "too short to tell"


def test_what_happens_in_the_warm_up_does_not_count() -> None:
    records = samples()
    for record in records:
        if record["t"] < 890:
            record["node"] = record["node"] | {"rss_mib": 20.0}
    assert judge([*records, *ending()], slope).word == "held"


def test_a_ring_that_lost_its_pictures_with_the_camera_is_no_shrinking_and_filled_again_no_growth() -> None:
    records = samples()
    for record in records:
        if 2000 <= record["t"] <= 2100 or record["t"] > 3500:
            record["node"] = record["node"] | {"rss_mib": 80.0}
    faults = [
        {"what": "fault", "kind": "camera stopped", "t": end_s, "began": begin_s, "ended": end_s}
        for begin_s, end_s in ((2000.0, 2030.0), (3500.0, 3540.0))
    ]
    verdict = judge([*records, *faults, *ending()], slope)
    assert (verdict.figures["node rss_mib"]["least"], verdict.figures["node rss_mib"]["slope_per_h"]) == (90.0, 0.0)


def test_growth_in_the_first_half_hour_proves_nothing() -> None:
    first = [record for record in samples(rss_mib=50.0) if record["t"] < 1790]
    verdict = judge([*first, *ending()], slope)
    assert verdict.word == "too short to tell"
    assert verdict.figures["node rss_mib"]["slope_per_h"] == pytest.approx(50)


def test_a_camera_that_was_started_again_without_being_asked_speaks_against_it() -> None:
    records = samples()
    records[50]["camera"] = FLAT | {"pid": 3}
    assert "was started again" in judge([*records, *ending()], slope).against[0]
    killed = {"what": "fault", "t": 1000.0, "began": 1000.0, "ended": 1000.2, "kind": "camera killed", "argument": ""}
    assert not any("started again" in line for line in judge([killed, *records, *ending()], slope).against)


def test_a_node_that_ended_speaks_against_it() -> None:
    assert "the node's process ended" in judge([*samples(), {"what": "gone", "t": HOUR_S}], slope).against


@pytest.mark.parametrize(
    "end",
    [
        ending(code=1),
        ending(farewell="online"),
        [{"what": "retained", "t": HOUR_S, "topics": 3, "wrong": ["discovery is absent"]}, *ending()[1:]],
        [*ending()[:2], {"what": "tracebacks", "t": HOUR_S, "count": 1, "errors": 1}],
    ],
)
def test_a_bad_end_speaks_against_it(end: list[Record]) -> None:
    assert judge([*samples(), *end], slope).word == "FAILED"


def test_a_soak_that_still_runs_is_not_held_yet() -> None:
    assert judge(samples(), slope).word == "too short to tell"


def test_no_records_are_no_proof() -> None:
    assert judge([], slope).word == "FAILED"


def test_lost_frames_speak_against_it_unless_the_camera_was_the_fault() -> None:
    numbers = [*range(0, 100 * 5, 5), *range(100 * 5, 3400 * 5, 5)]
    frames = [
        {"what": "frame", "t": float(at + (10 if at >= 100 else 0)), "name": str(number)}
        for at, number in enumerate(numbers)
    ]
    for kind, lost in (("disk full", True), ("camera killed", False)):
        fault = {"what": "fault", "t": 101.0, "began": 100.0, "ended": 101.0, "kind": kind, "argument": ""}
        said = judge(sorted([*samples(), *frames, fault], key=lambda r: r["t"]) + ending(), slope).against
        assert any("of the frames lost" in line for line in said) is lost


def test_the_text_says_the_verdict_and_every_figure() -> None:
    fault = {"what": "fault", "t": 101.0, "began": 100.0, "ended": 101.0, "kind": "link cut", "argument": ""}
    text = as_text(judge([fault, *samples(rss_mib=2.0), *ending()], slope))
    assert text.startswith("soak of 1.0 h: FAILED")
    for word in ("node rss_mib grows", "+2.00", "| link cut | 1 |", "retained topics: 56"):
        assert word in text


def test_records_are_read_as_they_were_written_but_for_a_torn_last_line(tmp_path: Path) -> None:
    records = Records(tmp_path / "r")
    records.add("frame", name="1")
    records.close()
    records.add("frame", name="after the end")
    with (tmp_path / "r").open("a") as file:
        file.write('{"what": "fra')
    assert [(record["what"], record["name"]) for record in read(tmp_path / "r")] == [("frame", "1")]


def test_a_verdict_without_findings_held() -> None:
    assert Verdict().word == "held"


@pytest.mark.parametrize(
    ("films", "words"),
    [({"count": 2, "broken": ["film.mp4"]}, "film.mp4 does not play"), ({"count": 0, "broken": []}, "no film")],
)
def test_films_that_do_not_play_speak_against_it(films: dict[str, Any], words: str) -> None:
    ends = [record | films if record["what"] == "films" else record for record in ending()]
    verdict = judge([*samples(), *ends], slope)
    assert words in verdict.against[0]


def test_faults_that_could_not_be_caused_are_told() -> None:
    missed = [{"what": "not caused", "t": at_s, "kind": "disk read-only"} for at_s in (1000.0, 2000.0)]
    assert "faults that could not be caused: {'disk read-only': 2}" in as_text(
        judge([*samples(), *missed, *ending()], slope)
    )
