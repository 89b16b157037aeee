"""Live pictures over real connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.jpeg import encode
from tests.support.broker import wait_until
from tests.support.mjpeg import Viewer
from tests.support.web_server import RunningWebServer


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[RunningWebServer]:
    with RunningWebServer(tmp_path, mjpeg_server={"fps": 20}, http={"max_viewers": 4}) as running:
        yield running


def viewers_of(running: RunningWebServer) -> int:
    """Return how many subscriptions the hub has, which is one for all viewers."""
    return len(running.hub._subscribers)


# ------------------------------------------------------------------ the stream


def test_the_stream_is_one_endless_body_that_nobody_keeps(serving: RunningWebServer) -> None:
    serving.show()
    with Viewer(serving.port) as viewer:
        assert viewer.status_line == "HTTP/1.1 200 OK"
        assert viewer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        assert viewer.headers["Connection"] == "close"
        assert {"no-store", "no-cache"} <= set(viewer.headers["Cache-Control"].split(", "))
        assert not {"Transfer-Encoding", "Content-Length", "Content-Encoding"} & set(viewer.headers)


def test_every_part_carries_the_facts_of_its_frame(serving: RunningWebServer) -> None:
    shown = serving.show()
    with Viewer(serving.port) as viewer:
        picture = viewer.next_picture()
    assert picture.headers["X-Frame-Id"] == str(shown.seq)
    assert picture.headers["X-Timestamp"] == f"{shown.captured_at.timestamp():.3f}"
    assert picture.headers["X-Dark-Score"] == f"{shown.brightness:.1f}"
    assert picture.headers["X-Night"] == "0"
    assert picture.jpeg == shown.jpeg


@pytest.mark.parametrize("path", ["/stream?t=1795203901", "/stream?", "/stream?fps=15&_=1795203901123"])
def test_a_query_that_says_nothing_to_us_does_no_harm(serving: RunningWebServer, path: str) -> None:
    serving.show()
    with Viewer(serving.port, path) as viewer:
        assert viewer.next_picture().name == "1"


def test_a_range_is_answered_as_if_it_were_not_there(serving: RunningWebServer) -> None:
    serving.show()
    with Viewer(serving.port, Range="bytes=0-", Icy_MetaData="1") as viewer:
        assert viewer.status == 200
        assert viewer.next_picture().name == "1"


def test_a_compressed_stream_is_not_sent_to_those_who_would_take_one(serving: RunningWebServer) -> None:
    serving.show()
    with Viewer(serving.port, Accept_Encoding="gzip, deflate, br") as viewer:
        assert viewer.next_picture().name == "1"


def test_head_says_what_a_stream_would_be_and_ends(serving: RunningWebServer) -> None:
    with Viewer(serving.port, method="HEAD") as viewer:
        assert viewer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        assert viewer.rest() == b""
    assert viewers_of(serving) == 0


@pytest.mark.parametrize("fps", ["0", "-1", "nan", "fast", ""])
def test_a_rate_that_is_none_is_refused(serving: RunningWebServer, fps: str) -> None:
    got = serving.get(f"/stream?fps={fps}")
    assert got.status == 400
    assert b"fps must be a number above 0" in got.body


def test_every_viewer_gets_the_frames(serving: RunningWebServer) -> None:
    viewers = [Viewer(serving.port) for _ in range(4)]
    for _ in range(10):
        shown = serving.show()
        pictures = [viewer.picture_named(str(shown.seq)) for viewer in viewers]
        assert {picture.jpeg for picture in pictures} == {shown.jpeg}
    for viewer in viewers:
        viewer.close()


def test_nothing_is_subscribed_once_the_last_viewer_has_gone(serving: RunningWebServer) -> None:
    with serving.filming():
        first, second = Viewer(serving.port), Viewer(serving.port)
        first.next_picture()
        second.next_picture()
        assert viewers_of(serving) == 1
        first.close()
        second.next_picture()
        assert viewers_of(serving) == 1
        second.close()
        wait_until(lambda: viewers_of(serving) == 0, "the end of the subscription")


def test_a_viewer_that_leaves_while_no_frame_comes_gives_its_place_back(serving: RunningWebServer) -> None:
    serving.show()
    with Viewer(serving.port) as viewer:
        viewer.next_picture()
    wait_until(lambda: viewers_of(serving) == 0, "the end of the subscription")


@pytest.mark.promise("H2")
def test_more_viewers_than_places_are_told_so(serving: RunningWebServer) -> None:
    serving.show()
    viewers = [Viewer(serving.port) for _ in range(4)]
    for viewer in viewers:
        viewer.next_picture()
    got = serving.get("/stream")
    assert got.status == 503
    assert int(got.headers["Retry-After"]) > 0
    assert b"All 4 places for viewers are taken (http.max_viewers)" in got.body
    viewers.pop().close()
    wait_until(lambda: _has_room(serving), "a free place")
    for viewer in viewers:
        viewer.close()


def _has_room(running: RunningWebServer) -> bool:
    with Viewer(running.port) as viewer:
        return viewer.status == 200


def test_the_last_picture_is_sent_again_where_nothing_follows(serving: RunningWebServer) -> None:
    serving.show()
    with Viewer(serving.port) as viewer:
        assert viewer.next_picture() == viewer.next_picture()


def test_the_stream_survives_the_camera(serving: RunningWebServer) -> None:
    serving.show()
    with Viewer(serving.port) as viewer:
        assert viewer.next_picture().name == "1"
        serving.hub.publish(None)
        placeholder = viewer.picture_named("away")
        assert jpeg.decode(placeholder.jpeg).shape == (240, 320, 3)
        assert not {"X-Frame-Id", "X-Timestamp"} & set(placeholder.headers)
        serving.show()
        assert viewer.picture_named("2").name == "2"


@pytest.mark.promise("H3")
def test_a_viewer_that_takes_nothing_costs_only_itself_and_is_put_out(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch("pi_cam_node.web.http.writing.STALL_S", 0.5)
    noise = np.random.default_rng(0).integers(0, 256, (960, 1280, 3)).astype(np.uint8)
    with RunningWebServer(tmp_path, node=False, mjpeg_server={"fps": 20}, http={"max_viewers": 2}) as serving:
        large = replace(serving.frame(), jpeg=encode(noise, "bgr", 85))
        ended, seen = threading.Event(), list[str]()

        def watch() -> None:
            with Viewer(serving.port) as other:
                while not ended.is_set():
                    seen.append(other.next_picture().name)

        def film() -> None:
            while not ended.wait(0.05):
                serving.hub.publish(replace(large, seq=serving.frame().seq))

        threads = [threading.Thread(target=what) for what in (film, watch)]
        with Viewer(serving.port, receive_bytes=4096) as stalled:
            assert stalled.status == 200
            for thread in threads:
                thread.start()
            wait_until(lambda: bool(seen), "a picture of the other viewer")
            assert not _has_room(serving)
            wait_until(lambda: _has_room(serving), "the end of the stalled viewer")
            before = len(seen)
            wait_until(lambda: len(seen) > before + 3, "pictures of the other viewer")
        ended.set()
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()
    frames = [int(name) for name in seen if name != "away"]
    assert frames == sorted(frames)


# ------------------------------------------------------------------ the newest picture


def test_the_snapshot_is_the_newest_frame(serving: RunningWebServer) -> None:
    shown = serving.show(3)
    got = serving.get("/snapshot.jpg")
    assert got.status == 200
    assert got.headers["Content-Type"] == "image/jpeg"
    assert got.headers["X-Frame-Id"] == "3"
    assert got.headers["X-Timestamp"] == f"{shown.captured_at.timestamp():.3f}"
    assert got.body == shown.jpeg


def test_a_picture_that_the_client_has_is_not_sent_again(serving: RunningWebServer) -> None:
    serving.show()
    first = serving.get("/snapshot.jpg")
    again = serving.get("/snapshot.jpg", If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    serving.show()
    assert serving.get("/snapshot.jpg", If_None_Match=first.headers["ETag"]).status == 200


def test_a_smaller_picture_keeps_its_proportions(serving: RunningWebServer) -> None:
    serving.show()
    got = serving.get("/snapshot.jpg?width=160")
    assert jpeg.decode(got.body).shape == (120, 160, 3)
    assert got.headers["ETag"] != serving.get("/snapshot.jpg").headers["ETag"]


def test_no_picture_is_enlarged(serving: RunningWebServer) -> None:
    serving.show()
    assert jpeg.decode(serving.get("/snapshot.jpg?width=4000").body).shape == (240, 320, 3)


@pytest.mark.parametrize("width", ["0", "15", "-320", "wide", "1e3", "٣٢٠", "9" * 30])
def test_a_width_that_is_none_is_refused(serving: RunningWebServer, width: str) -> None:
    serving.show()
    assert serving.get(f"/snapshot.jpg?width={quote(width)}").status == 400


def test_a_fresh_picture_was_exposed_after_it_was_asked_for(serving: RunningWebServer) -> None:
    serving.show()
    before_s = serving.clock.utcnow().timestamp()
    with serving.filming():
        got = serving.get("/snapshot.jpg?fresh=1")
    assert got.status == 200
    assert float(got.headers["X-Timestamp"]) >= round(before_s, 3)
    assert int(got.headers["X-Frame-Id"]) > 1


def test_fresh_is_yes_or_no(serving: RunningWebServer) -> None:
    serving.hub.publish(serving.frame())
    assert serving.get("/snapshot.jpg?fresh=no").status == 200
    refused = serving.get("/snapshot.jpg?fresh=perhaps")
    assert (refused.status, refused.body) == (400, b"fresh must be 1 or 0 (found 'perhaps')\n")


def test_a_frame_that_was_under_way_is_not_fresh(serving: RunningWebServer) -> None:
    serving.show()
    under_way = serving.frame()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(serving.get, "/snapshot.jpg?fresh=1")
        wait_until(lambda: viewers_of(serving) == 1, "the request for a fresh picture")
        serving.hub.publish(under_way)
        fresh = replace(serving.frame(), exposed_mono_s=serving.clock.monotonic())
        serving.hub.publish(fresh)
        assert answer.result(10).headers["X-Frame-Id"] == str(fresh.seq)
    wait_until(lambda: viewers_of(serving) == 0, "the end of the subscription")


def test_a_camera_that_goes_while_a_fresh_picture_is_waited_for_is_said(serving: RunningWebServer) -> None:
    serving.show()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(serving.get, "/snapshot.jpg?fresh=1")
        wait_until(lambda: viewers_of(serving) == 1, "the request for a fresh picture")
        serving.hub.publish(None)
        assert answer.result(10).status == 503


def test_a_fresh_picture_that_does_not_come_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path, camera={"capture_timeout_s": 0.5}) as serving:
        serving.show()
        got = serving.get("/snapshot.jpg?fresh=1")
    assert got.status == 504
    assert b"No picture was taken within" in got.body


def test_there_is_no_snapshot_while_the_camera_is_away(serving: RunningWebServer) -> None:
    serving.show()
    serving.hub.publish(None)
    for path in ("/snapshot.jpg", "/snapshot.jpg?fresh=1"):
        got = serving.get(path)
        assert got.status == 503
        assert got.body == b"The camera is offline.\n"
        assert int(got.headers["Retry-After"]) > 0


def test_head_of_a_snapshot_tells_its_size_and_sends_nothing(serving: RunningWebServer) -> None:
    shown = serving.show()
    got = serving.request("HEAD", "/snapshot.jpg")
    assert got.headers["Content-Length"] == str(len(shown.jpeg))
    assert got.body == b""


# ------------------------------------------------------------------ the last pictures


def fill_ring(running: RunningWebServer, count: int) -> None:
    assert running.core is not None
    ring = running.core.ring

    while len(ring) < count:
        before = len(ring)
        running.show()
        wait_until(partial(_has_more_than, ring, before), "the frame in the ring")


def _has_more_than(things: Sized, count: int) -> bool:
    return len(things) > count


def test_a_shortstream_sends_the_last_frames_and_ends(serving: RunningWebServer) -> None:
    fill_ring(serving, 5)
    with Viewer(serving.port, "/shortstream?n=3") as viewer:
        assert viewer.status == 200
        assert [viewer.next_picture().name for _ in range(3)] == ["3", "4", "5"]
        assert viewer.picture() is None


def test_a_shortstream_of_more_than_there_is_sends_what_there_is(serving: RunningWebServer) -> None:
    fill_ring(serving, 2)
    with Viewer(serving.port, "/shortstream") as viewer:
        assert [viewer.next_picture().name for _ in range(2)] == ["1", "2"]
        assert viewer.picture() is None


def test_a_shortstream_of_an_empty_ring_is_empty(serving: RunningWebServer) -> None:
    with Viewer(serving.port, "/shortstream") as viewer:
        assert viewer.picture() is None


@pytest.mark.parametrize("n", ["0", "many", "1001", '{"n":3}'])
def test_a_shortstream_of_no_number_is_refused(serving: RunningWebServer, n: str) -> None:
    assert serving.get(f"/shortstream?n={quote(n)}").status == 400


def test_head_of_a_shortstream_asks_nothing_of_the_node(serving: RunningWebServer) -> None:
    got = serving.request("HEAD", "/shortstream")
    assert got.status == 200
    assert got.body == b""


def test_a_server_that_ends_says_so_to_its_viewers(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path, mjpeg_server={"fps": 20}) as serving:
        serving.show()
        viewer = Viewer(serving.port)
        viewer.next_picture()
    with viewer:
        assert viewer.rest().endswith(b"--frame--\r\n")
