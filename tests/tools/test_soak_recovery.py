"""Recovery figures for each fault, from the records of a soak."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.soak.records import Record
from benchmarks.soak.recovery import Trace, by_kind
from benchmarks.soak.rig import FPS, ROOT

NODE, CAMERA = f"{ROOT}/availability", f"{ROOT}/camera/availability"
END_S = 300.0


def fault(began: float, ended: float, kind: str = "link down") -> Record:
    return {"what": "fault", "t": ended, "began": began, "ended": ended, "kind": kind, "argument": ""}


def frames(from_s: float, to_s: float, first: int | None = None) -> list[Record]:
    """Return a picture every half second, each sent twice as the stream does."""
    number = round(from_s * FPS) if first is None else first
    steps = range(round((to_s - from_s) * 2))
    return [
        {"what": "frame", "t": from_s + step / 2 + late_s, "name": str(number + round(step / 2 * FPS))}
        for step in steps
        for late_s in (0.0, 0.2)
    ]


def answers(from_s: int, to_s: int) -> list[Record]:
    """Return an answer each second, to a question of 10 ms before."""
    return [
        {"what": "answer", "t": second + 0.01, "asked": float(second), "verb": "get", "code": "ok"}
        for second in range(from_s, to_s)
    ]


def unanswered(from_s: int, to_s: int) -> list[Record]:
    return [
        {"what": "unanswered", "t": second + 60.0, "asked": float(second), "verb": "get"}
        for second in range(from_s, to_s)
    ]


def available(t: float, topic: str, value: str) -> Record:
    return {"what": "availability", "t": t, "topic": topic, "value": value}


ONLINE = [available(1, NODE, "online"), available(1, CAMERA, "online")]


def in_order(*parts: list[Record] | Record) -> list[Record]:
    flat = [record for part in parts for record in (part if isinstance(part, list) else [part])]
    return sorted([*flat, {"what": "sample", "t": END_S}], key=lambda record: record["t"])


def test_a_fault_that_nobody_noticed_costs_nothing() -> None:
    records = in_order(ONLINE, frames(0, 300), answers(0, 300), fault(100, 110))
    back = Trace(records).back(0)
    assert back.pictures_s == pytest.approx(0.5)
    assert back.answers_s == pytest.approx(0.01)
    assert back.online_s == 0.0
    assert back.lost_share == pytest.approx(0.0)
    assert back.asked == back.answered == 30


def test_time_without_a_picture_is_counted_until_a_new_one_and_not_until_a_repeated_one() -> None:
    before = frames(0, 100)
    repeated = {**before[-1], "t": 104.0}
    away = {"what": "frame", "t": 105.0, "name": "away"}
    records = in_order(ONLINE, before, repeated, away, frames(108, 300), fault(100, 101))
    assert Trace(records).back(0).pictures_s == pytest.approx(8.5)


def test_frames_that_the_camera_did_not_deliver_are_a_share_of_those_due() -> None:
    # The numbers go on where they stopped: nothing was delivered from second 100 to 110.
    records = in_order(ONLINE, frames(0, 100), frames(110, 300, first=100 * FPS), fault(100, 105))
    lost_s, window_s = 10.0, 25.0
    assert Trace(records).back(0).lost_share == pytest.approx(lost_s / window_s, abs=0.02)


def test_answers_count_from_the_last_question_without_one() -> None:
    records = in_order(
        ONLINE, frames(0, 300), answers(0, 100), unanswered(100, 115), answers(115, 300), fault(100, 110)
    )
    back = Trace(records).back(0)
    assert back.answers_s == pytest.approx(5.01)
    assert (back.asked, back.answered) == (30, 15)


def test_a_late_answer_is_an_answer_but_not_one_in_time() -> None:
    late = {"what": "answer", "t": 116.0, "asked": 110.0, "verb": "save", "code": "ok"}
    records = in_order(ONLINE, answers(0, 110), late, answers(111, 300), fault(100, 110))
    back = Trace(records).back(0)
    assert (back.asked, back.answered) == (30, 29)


def test_online_is_both_of_them_for_good() -> None:
    records = in_order(
        ONLINE,
        available(105, NODE, "offline"),
        available(112, NODE, "online"),
        available(113, CAMERA, "offline"),
        available(117, CAMERA, "online"),
        fault(100, 110),
        fault(200, 201),
    )
    assert Trace(records).back(0).online_s == pytest.approx(7)
    assert Trace(records).back(1).online_s == 0.0


def test_a_broker_that_forgot_everything_knows_of_nobody_online() -> None:
    connected = {"what": "mqtt", "t": 110.5, "connected": True}
    back = [available(114, CAMERA, "online"), available(114.2, NODE, "online")]
    assert Trace(in_order(ONLINE, connected, back, fault(100, 110))).back(0).online_s == pytest.approx(4.2)


def test_what_never_came_back_is_said() -> None:
    records = in_order(
        ONLINE, frames(0, 100), answers(0, 100), unanswered(100, 200), available(101, NODE, "offline"), fault(100, 110)
    )
    figures = by_kind(records)["link down"]
    assert [figures[f"{key}_never"] for key in ("answers_s", "online_s")] == [1, 1]
    assert figures["pictures_s"] == pytest.approx(30.5)


def test_the_longest_time_of_a_kind_counts() -> None:
    records = in_order(
        ONLINE,
        frames(0, 300),
        answers(0, 110),
        unanswered(110, 113),
        answers(113, 210),
        unanswered(210, 211),
        answers(211, 300),
        fault(100, 110),
        fault(200, 210),
    )
    figures: dict[str, Any] = by_kind(records)["link down"]
    assert figures["count"] == 2
    assert figures["answers_s"] == pytest.approx(3.01)


def test_a_fault_that_has_only_just_ended_is_not_judged_yet() -> None:
    assert by_kind(in_order(ONLINE, frames(0, 300), fault(270, 280))) == {}
