"""Events, films and zones on the node's page in a browser: reasons, seeking, drawing of areas."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pi_cam_node.core.activity_events import MotionChanged
from pi_cam_node.core.history import EventRow, MediaRow
from tests.support.chromium import Tab, find_chromium
from tests.support.node_page import LIVE, looking, run
from tests.support.web_server import RunningWebServer

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

FILM_S = 12
LOGIC = (Path(__file__).parents[1] / "support" / "page_logic.js").read_text()


def film(path: Path) -> Path:
    """Write a film whose brightness grows with time."""
    av: Any = pytest.importorskip("av", reason="the extra video is not installed")
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.time_base = Fraction(1, 10)
        for number in range(FILM_S * 10):
            level = np.full((240, 320, 3), 20 + 200 * number // (FILM_S * 10), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(level, format="bgr24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[RunningWebServer]:
    """Serve a page with two events of today, one of them with a film, and one of three days ago."""
    with RunningWebServer(tmp_path, motion={"enable": True}) as server, server.filming():
        assert server.core is not None
        picture = tmp_path / "event-0001.jpg"
        cv2.imwrite(str(picture), np.full((240, 320, 3), 90, np.uint8))
        server.pictures.files = {"event-0001": picture}
        now = datetime.now(UTC).replace(microsecond=0)
        begun = now - timedelta(seconds=60)
        server.archive.rows["event-0001"] = MediaRow("event-0001", "event", begun, str(picture), 1)
        rows = (
            EventRow("old-1", "trigger", now - timedelta(days=3), now - timedelta(days=3), "clear", cause="doorbell"),
            EventRow("new-1", "record", now - timedelta(seconds=120), now - timedelta(seconds=90), "clear"),
            EventRow(
                "new-2",
                "motion",
                begun,
                begun + timedelta(seconds=7),
                "clear",
                zones=("door", "path"),
                cause="motion",
                pre_roll_s=5.0,
                picture_id="event-0001",
                recording_id="film-0001",
            ),
        )
        for row in rows:
            server.core.events.save_event(row)
        yield server


async def chosen_day(tab: Tab, day: datetime) -> None:
    date = json.dumps(f"{day.astimezone():%Y-%m-%d}")
    await tab.value(
        f"(() => {{ const field = document.querySelector('#events input[type=date]'); field.value = {date};"
        " field.dispatchEvent(new Event('change')); })()"
    )


def test_an_event_says_what_moved_and_its_film_is_sought_kept_and_left(
    serving: RunningWebServer, tmp_path: Path
) -> None:
    path = film(tmp_path / "film-0001.mp4")
    serving.pictures.files["film-0001"] = path
    begun = datetime.now(UTC) - timedelta(seconds=65)
    serving.archive.rows["film-0001"] = MediaRow("film-0001", "recording", begun, str(path), 1, float(FILM_S))

    async def story() -> None:
        async with looking(serving.url, tmp_path) as tab:
            await tab.until("document.querySelectorAll('#events .event').length === 3")
            card = await tab.text("#events .event")
            assert all(words in card for words in ("Motion", "7 s", "Film, from 5 s before", "door", "path"))
            await tab.click("#events .event a")
            await tab.until("document.querySelector('dialog[open] video')?.readyState >= 1", "the film")
            told = await tab.text("dialog[open] .told")
            assert "Something moved in door and path." in told
            assert "Its film begins 5.0 s before it" in told
            # Far behind what is loaded at first: the rest is asked for by its range.
            await tab.value("document.querySelector('dialog[open] video').currentTime = 9")
            shown = "document.querySelector('dialog[open] video')"
            await tab.until(f"!{shown}.seeking && {shown}.currentTime === 9")
            level = (
                "(() => { const canvas = new OffscreenCanvas(8, 8); const pen = canvas.getContext('2d');"
                " pen.drawImage(document.querySelector('dialog[open] video'), 0, 0, 8, 8);"
                " return pen.getImageData(4, 4, 1, 1).data[0]; })()"
            )
            assert abs(await tab.value(level) - (20 + 200 * 9 / FILM_S)) < 15, "the picture of that moment"
            await tab.until("document.querySelector('dialog[open] .keep')?.innerText === 'Keep'")
            assert await tab.text("dialog[open] .delete") == "Delete film", "the picture would stay"
            await tab.click("dialog[open] .keep")
            await tab.until("document.querySelector('dialog[open] .keep')?.innerText === 'Keep no longer'")
            assert serving.archive.rows["film-0001"].kept
            assert await tab.value("document.querySelector('dialog[open] .delete') === null"), "what is kept stays"
            await tab.press("ArrowRight", 39)  # the keys page where the film has not the focus
            await tab.until("document.querySelector('dialog[open] h2').innerText === 'Recorded by hand'")
            assert "It was not recorded." in await tab.text("dialog[open] .told")
            await tab.press("Escape", 27)
            await tab.until("document.querySelector('dialog[open]') === null")

    run(story)


def test_a_film_without_a_picture_says_so_instead_of_showing_a_broken_one(
    serving: RunningWebServer, tmp_path: Path
) -> None:
    path = tmp_path / "clip-0001.mp4"
    path.write_bytes(b"a film")
    serving.pictures.files["clip-0001"] = path
    serving.archive.rows["clip-0001"] = MediaRow("clip-0001", "clip", datetime.now(UTC), str(path), 6, 5.0)

    async def story() -> None:
        async with looking(serving.url, tmp_path) as tab:
            tile = "document.querySelector('[data-id=clip-0001] .shot')"
            await tab.until(f"{tile} !== null", "the clip")
            await tab.value(f"{tile}.scrollIntoView()")
            await tab.until(f"{tile}.innerText.includes('Press to play')", "words in place of its picture")
            assert await tab.value(f"{tile}.querySelector('img') === null")

    run(story)


def test_a_day_is_chosen_and_the_day_before_it_is_offered(serving: RunningWebServer, tmp_path: Path) -> None:
    now = datetime.now(UTC)

    async def story() -> None:
        async with looking(serving.url, tmp_path) as tab:
            await tab.until("document.querySelectorAll('#events .event').length === 3")
            assert await tab.value(LOGIC) == []
            await chosen_day(tab, now - timedelta(days=3))
            await tab.until("document.querySelectorAll('#events .event').length === 1")
            assert "Trigger: doorbell" in await tab.text("#events .event")
            await chosen_day(tab, now - timedelta(days=2))
            await tab.until("document.querySelectorAll('#events .event').length === 0")
            await tab.click("#events > p button")  # which shows the last day that has something
            await tab.until("document.querySelector('#events .event')?.innerText.includes('doorbell')")
            await tab.click("#events .day-picker button:last-child")
            await tab.until("document.querySelectorAll('#events .event').length === 3")
            await tab.value("document.querySelector('#events select').value = 'record'")
            await tab.value("document.querySelector('#events select').dispatchEvent(new Event('change'))")
            await tab.until("document.querySelectorAll('#events .event').length === 1")

    run(story)


def test_zones_are_drawn_by_mouse_and_keys_and_saved(serving: RunningWebServer, tmp_path: Path) -> None:
    core = serving.core
    assert core is not None

    async def story() -> None:
        async with looking(serving.url, tmp_path) as tab:
            await tab.until(LIVE)
            serving.tell(MotionChanged("", on=True))
            await tab.until("document.querySelector('#motion').innerText.includes('Something moves.')")
            await tab.click("#motion .draw")
            await tab.until("document.querySelector('#zones').checkVisibility()")
            await tab.click("#zones .buttons button")
            await tab.until("document.activeElement.dataset.corner === '0'")
            for _ in range(5):  # five per cent to the left
                await tab.press("ArrowLeft", 37)
            await tab.press("Enter", 13)
            await tab.until("document.querySelectorAll('.corner').length === 5")
            await tab.press("Delete", 46)
            await tab.until("document.querySelectorAll('.corner').length === 4")
            await drag(tab, "[data-corner='2']", 0.1, 0.1)
            await tab.write("#zones .areas input", "Front door")
            await tab.until("document.querySelector('#zones .areas input').value === 'front_door'")
            await tab.click("#zones .buttons button:nth-of-type(2)")
            await tab.click("#zones .save")
            await tab.until("!document.querySelector('#zones').checkVisibility()")

    run(story)
    name, _, corners = core.config.motion.zones[0].partition("=")
    points = [tuple(map(float, word.split(","))) for word in corners.split()]
    assert name == "front_door"
    assert points[0] == (0.25, 0.3)
    assert np.allclose(points[2], (0.8, 0.8), atol=0.02)
    assert len(core.config.motion.ignore) == 1


async def drag(tab: Tab, selector: str, across: float, down: float) -> None:
    """Drag an element by shares of the picture's size."""
    x, y, width, height = await tab.value(
        f"(() => {{ const one = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
        " const all = document.querySelector('.zone-layer').getBoundingClientRect();"
        " return [one.left + one.width / 2, one.top + one.height / 2, all.width, all.height]; })()"
    )
    for kind, share in (("mousePressed", 0.0), ("mouseMoved", 0.5), ("mouseMoved", 1.0), ("mouseReleased", 1.0)):
        await tab.send(
            "Input.dispatchMouseEvent", type=kind, x=x + across * share * width, y=y + down * share * height,
            button="left", buttons=0 if kind == "mouseReleased" else 1, clickCount=1,
        )  # fmt: skip
        await asyncio.sleep(0)


def test_a_second_finger_moves_no_corner_of_a_zone(serving: RunningWebServer, tmp_path: Path) -> None:
    where = (
        "[...document.querySelectorAll('.corner')].map((one) => { const box = one.getBoundingClientRect();"
        " return [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2)]; })"
    )

    async def story() -> None:
        async with looking(serving.url, tmp_path) as tab:
            await tab.look(width=390, height=844, phone=True)
            await tab.send("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
            await tab.until(LIVE)
            await tab.click("#motion .draw")
            await tab.click("#zones .buttons button")
            await tab.until("document.querySelectorAll('.corner').length === 4")
            await tab.value("document.querySelector('#screen').scrollIntoView({block: 'center', behavior: 'instant'})")
            before = await tab.value(where)

            async def touch(kind: str, *moved: int) -> None:
                points = [{"id": at, "x": before[at][0] + by, "y": before[at][1]} for at, by in enumerate(moved)]
                await tab.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)

            await touch("touchStart", 0)
            await touch("touchMove", -10)
            await touch("touchStart", -10, 0)
            await touch("touchMove", -20, 15)
            await touch("touchMove", -30)  # the second finger is lifted, the first goes on
            await touch("touchMove", -40)
            await touch("touchEnd")
            after = await tab.value(where)
            assert after[1:] == before[1:]
            assert abs(after[0][0] - before[0][0] + 40) <= 2

    run(story)
