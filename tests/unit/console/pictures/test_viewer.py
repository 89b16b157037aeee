"""Viewers get the newest picture of each camera, without queues."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress

import pytest
from PIL import Image

from pi_cam_node.console.pictures import scaling
from pi_cam_node.console.pictures.cutoff import Cutoff
from pi_cam_node.console.pictures.mjpeg import frames_of
from pi_cam_node.console.pictures.scaling import LiveFrame, scaled
from pi_cam_node.console.pictures.viewer import Status, Viewer, Wanted, seen_in, wanted_in


def frame(at_ms: int) -> LiveFrame:
    return LiveFrame(b"jpeg", at_ms)


def test_a_slow_browser_gets_the_newest() -> None:
    async def look() -> dict[str, int]:
        viewer = Viewer()
        viewer.want({"porch": Wanted(10, 0), "hall": Wanted(10, 0)})
        for number in range(5):
            viewer.offer("porch", frame(number), number * 0.1)
        viewer.offer("hall", frame(9), 0.0)
        viewer.offer("shed", frame(9), 0.0)
        _, frames = await viewer.next()
        return {camera: one.at_ms for camera, one in frames.items()}

    assert asyncio.run(look()) == {"porch": 4, "hall": 9}


def test_no_more_than_was_asked_for() -> None:
    viewer = Viewer()
    viewer.want({"porch": Wanted(2, 0)})
    for number in range(100):
        viewer.offer("porch", frame(number), number * 0.1)
    # 100 pictures of 10 s at 2 a second; those that came early were never taken.
    assert viewer.dropped == 20


def test_a_stream_of_the_very_rate_loses_no_picture() -> None:
    viewer = Viewer()
    viewer.want({"porch": Wanted(2, 0)})
    for number in range(20):
        viewer.offer("porch", frame(number), number * 0.5 + (0.02 if number % 2 else 0.0))
    assert viewer.dropped == 19


def test_what_is_hidden_is_not_sent() -> None:
    async def look() -> tuple[dict[str, Status], int]:
        viewer = Viewer()
        viewer.want({"porch": Wanted(2, 0)})
        viewer.offer("porch", frame(1), 0.0)
        viewer.hide("porch")
        viewer.tell("porch", Status(live=False, text="Privacy is on.", blank=True))
        statuses, frames = await viewer.next()
        return statuses, len(frames)

    statuses, count = asyncio.run(look())
    assert (statuses["porch"].blank, count) == (True, 0)


def test_no_more_pictures_are_under_way_than_the_browser_has_told_to_have_seen() -> None:
    """Over a slow link they would wait in buffers on the way, the longer the later, and none would be live."""

    async def look() -> list[list[int]]:
        viewer, sent = Viewer(), []
        viewer.want({"porch": Wanted(30, 0)})
        viewer.acknowledge(0)
        for number in range(12):
            viewer.offer("porch", frame(number), number * 1.0)
            if number in {7, 9}:
                viewer.acknowledge(viewer.sent - 2 if number == 7 else 10_000)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    _, frames = await viewer.next()
                    viewer.sent += len(frames)
                    sent.append([one.at_ms for one in frames.values()])
        return sent

    assert asyncio.run(look()) == [[0], [1], [2], [7], [9], [10], [11]]


def test_of_many_cameras_each_has_a_picture_under_way_and_states_do_not_wait() -> None:
    async def look() -> tuple[set[str], dict[str, Status]]:
        viewer = Viewer()
        viewer.want({str(number): Wanted(10, 0) for number in range(6)})
        viewer.acknowledge(0)
        for number in range(6):
            viewer.offer(str(number), frame(1), 0.0)
        _, frames = await viewer.next()
        viewer.sent += len(frames)
        viewer.offer("3", frame(2), 1.0)
        viewer.tell("3", Status(live=False, text="It does not answer."))
        statuses, late = await viewer.next()
        assert late == {}
        return set(frames), statuses

    frames, statuses = asyncio.run(look())
    assert frames == set("012345")
    assert statuses["3"].text == "It does not answer."


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"cameras": []},
        {"cameras": {"a": 1}},
        {"cameras": {"a": {"fps": 0}}},
        {"cameras": {"a": {"fps": 1e9}}},
        {"cameras": {"a": {"fps": True}}},
        {"cameras": {"a": {"width": -1}}},
        {"cameras": {"a": {"width": 1.5}}},
        {"cameras": {str(n): {} for n in range(65)}},
        {"seen": "3"},
        {"cameras": [], "seen": 3},
    ],
)
def test_what_a_browser_may_not_ask_for(body: object) -> None:
    with pytest.raises(ValueError):
        wanted_in(body)


def test_what_it_may() -> None:
    assert wanted_in({"cameras": {"porch": {"fps": 5, "width": 426}, "hall": {}}}) == {
        "porch": Wanted(5.0, 426),
        "hall": Wanted(2.0, 0),
    }


def test_what_it_has_seen_comes_with_the_cameras_or_alone() -> None:
    assert (seen_in({"seen": 12}), wanted_in({"seen": 12})) == (12, None)
    assert (seen_in({"seen": 0, "cameras": {}}), wanted_in({"seen": 0, "cameras": {}})) == (0, {})
    assert [seen_in(body) for body in ({"seen": True}, {"seen": 1.5}, {}, None)] == [None] * 4


def frames_in(raw: bytes) -> list[tuple[int, bytes]]:
    async def read() -> list[tuple[int, bytes]]:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        return [(one.at_ms, one.jpeg) async for one in frames_of(reader, 7)]

    return asyncio.run(read())


def part(jpeg: bytes, *headers: str) -> bytes:
    lines = ["--frame", "Content-Type: image/jpeg", f"Content-Length: {len(jpeg)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + jpeg + b"\r\n"


def test_a_stream_is_taken_apart() -> None:
    raw = (
        part(b"\xff--frame\r\n", "X-Frame-Id: 1", "X-Timestamp: 12.345")
        + part(b"2", "X-Frame-Id: 2")
        + part(b"no", "X-Other: 1")
    )
    assert frames_in(raw) == [(12345, b"\xff--frame\r\n"), (7, b"2")]


@pytest.mark.parametrize(
    "raw",
    [b"--frame\r\nContent-Length: 99999999\r\n\r\n", b"--frame\r\n\r\n", b"--frame\r\n" + b"a: b\r\n" * 50 + b"\r\n"],
)
def test_a_stream_that_is_none_is_given_up(raw: bytes) -> None:
    with pytest.raises(ValueError):
        frames_in(raw)


def jpeg_of(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "#446688").save(stream, "JPEG")
    return stream.getvalue()


def test_a_picture_is_made_smaller_but_not_too_small() -> None:
    small = scaled(jpeg_of(640, 480), 320)
    assert Image.open(io.BytesIO(small)).size == (320, 240)
    big = jpeg_of(320, 240)
    assert scaled(big, 640) is big
    assert scaled(b"no picture", 100) == b"no picture"


def test_a_picture_larger_than_any_camera_makes_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = jpeg_of(640, 480)
    monkeypatch.setattr(scaling, "PIXELS_MAX", 640 * 480 - 1)
    assert scaled(huge, 320) is huge


@pytest.mark.parametrize(
    ("tile_px", "width_px"),
    [(640, 512), (682, 512), (700, 768), (512, 512), (400, 512), (340, 256), (100, 128), (1000, 1024)],
)
def test_a_tile_gets_a_half_of_the_picture_where_that_is_nearly_as_wide(tile_px: int, width_px: int) -> None:
    assert Image.open(io.BytesIO(scaled(jpeg_of(1024, 768), tile_px))).size == (width_px, width_px * 3 // 4)


def test_what_is_under_way_ends_with_the_camera() -> None:
    cutoff, ended = Cutoff(), list[str]()
    with cutoff.watch("porch", lambda: ended.append("a")), cutoff.watch("hall", lambda: ended.append("b")):
        cutoff.cut("porch")
    cutoff.cut("hall")
    assert ended == ["a"]
