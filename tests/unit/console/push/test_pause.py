"""Pause of all pushes until a time of day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.console.push import pause as module
from pi_cam_node.console.push.pause import PushPause, next_ms, until_ms_in, words_of
from tests.support.fakes.clock import FakeClock


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-11-29T20:00:00+00:00", "07:00", "2026-11-30T06:00:00+00:00"),
        ("2026-11-29T05:00:00+00:00", "07:00", "2026-11-29T06:00:00+00:00"),
        ("2026-11-29T06:00:00+00:00", "07:00", "2026-11-30T06:00:00+00:00"),
        ("2026-10-25T00:15:00+00:00", "02:30", "2026-10-25T00:30:00+00:00"),  # the first of two
        ("2026-10-25T00:45:00+00:00", "02:30", "2026-10-25T01:30:00+00:00"),  # after the first: the second
        ("2026-10-25T01:15:00+00:00", "02:30", "2026-10-25T01:30:00+00:00"),  # in the hour that comes again
        ("2026-10-25T01:30:00+00:00", "02:30", "2026-10-26T01:30:00+00:00"),
        ("2026-03-29T00:00:00+00:00", "02:30", "2026-03-29T01:30:00+00:00"),  # there is none: as much after the jump
        ("2026-03-29T02:00:00+00:00", "02:30", "2026-03-30T00:30:00+00:00"),
        ("2026-03-28T20:00:00+00:00", "07:00", "2026-03-29T05:00:00+00:00"),  # an hour less: summer time begins
    ],
)
def test_the_next_time_of_day(now: str, text: str, expected: str) -> None:
    assert datetime.fromtimestamp(next_ms(text, datetime.fromisoformat(now)) / 1000, UTC).isoformat() == expected


def test_a_time_that_is_none_is_refused() -> None:
    for text in ("7", "25:00", "07:60", "soon"):
        with pytest.raises(ValueError, match=r"time|hour"):
            next_ms(text, datetime.now(UTC))


def test_it_is_kept_as_words() -> None:
    until_ms = next_ms("07:00", datetime(2026, 11, 29, tzinfo=UTC))
    assert until_ms_in(words_of(until_ms)) == until_ms
    assert (until_ms_in(words_of(0)), until_ms_in(""), until_ms_in("off until noon")) == (0, 0, 0)


def test_it_ends_by_itself_and_tells() -> None:
    clock, ended = FakeClock(), list[str]()

    async def run() -> None:
        pause = PushPause(clock, lambda: ended.append(pause.until))
        now_ms = round(clock.utcnow().timestamp() * 1000)
        pause.begin(now_ms + 3_600_000)
        pause.begin(now_ms + 50)
        assert pause.is_on
        assert len(pause.until) == 5
        await asyncio.sleep(0.2)
        assert (ended, pause.is_on) == ([], True), "the wall clock has not got there"
        clock.advance(0.06)
        async with asyncio.timeout(60):
            while not ended:  # noqa: ASYNC110 - plain to read
                await asyncio.sleep(0.01)
        assert not pause.is_on
        pause.begin(now_ms + 3_600_000)
        pause.begin(0)
        assert (pause.is_on, pause.until) == (False, "")

    asyncio.run(run())
    assert ended == [""]


def test_a_clock_that_is_set_ends_a_pause_in_time_and_never_prolongs_it_by_days(mocker: MockerFixture) -> None:
    clock, ended = FakeClock(), list[str]()
    mocker.patch.object(module, "LOOK_EVERY_S", 0.01)

    async def run() -> None:
        pause = PushPause(clock, lambda: ended.append(pause.until))
        pause.begin(round(clock.utcnow().timestamp() * 1000) + 8 * 3_600_000)
        clock.step_utc(-10 * 86_400)
        assert (pause.is_on, pause.until) == (False, ""), "it was chosen on a clock that was wrong"
        clock.step_utc(10 * 86_400)
        assert pause.is_on
        clock.step_utc(9 * 3600)
        async with asyncio.timeout(60):
            while not ended:  # noqa: ASYNC110 - plain to read
                await asyncio.sleep(0.01)

    asyncio.run(run())
