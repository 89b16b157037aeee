"""Live video over HTTP: access rights, and decoding of a real node's video."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np
import psutil
import pytest

from pi_cam_node.base.errors import CameraDown
from pi_cam_node.base.extras import video_hint
from tests.support.broker import free_port, wait_until
from tests.support.chromium import find_chromium
from tests.support.node_page import looking, run
from tests.support.running_node import RunningNode
from tests.support.web_server import RunningWebServer

TOKEN = "a-token-of-good-length"
FPS = 10
BUSY_S = 60.0


class FakeLive:
    """Live video of one segment, that is always there."""

    def __init__(self) -> None:
        self.missing, self.is_away, self.is_quick = "", False, True
        self.threads: list[str] = []

    def master(self, uri: Callable[[str], str]) -> str:
        if self.is_away:
            raise CameraDown("ERROR: the camera is offline; there is no live video")
        return f"#EXTM3U\n{uri('main.m3u8')}\n"

    def playlist(self, variant: str, uri: Callable[[str], str]) -> str | None:
        if self.is_away:
            raise CameraDown("ERROR: the camera is offline; there is no live video")
        return f'#EXTM3U\n#EXT-X-MAP:URI="{uri(f"{variant}-3f2a91c0-1.mp4")}"\n{uri(f"{variant}-3f2a91c0-0.m4s")}\n'

    def is_prompt(self, _variant: str) -> bool:
        return self.is_quick

    def segment(self, _variant: str, boot: str, number: int) -> bytes | None:
        self.threads.append(threading.current_thread().name)
        return b"segment" if (boot, number) == ("3f2a91c0", 0) else None

    def header(self, _variant: str, boot: str, track: int) -> bytes | None:
        return b"header" if (boot, track) == ("3f2a91c0", 1) else None


@pytest.fixture
def live() -> FakeLive:
    return FakeLive()


@pytest.fixture
def serving(tmp_path: Path, live: FakeLive) -> Iterator[RunningWebServer]:
    with RunningWebServer(tmp_path, node=False, live=live, http={"max_viewers": 2}) as running:
        yield running


@pytest.fixture
def guarded(tmp_path: Path, live: FakeLive) -> Iterator[RunningWebServer]:
    """A server that asks for a token."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    with RunningWebServer(tmp_path, node=False, live=live, http={"token_file": str(token)}) as running:
        yield running


FILES = (
    "/hls/master.m3u8",
    "/hls/main.m3u8",
    "/hls/remote.m3u8",
    "/hls/main-3f2a91c0-0.m4s",
    "/hls/main-3f2a91c0-1.mp4",
)


@pytest.mark.parametrize("is_quick", [True, False])
def test_only_what_takes_long_is_read_in_a_thread_of_its_own(
    serving: RunningWebServer, live: FakeLive, *, is_quick: bool
) -> None:
    live.is_quick = is_quick
    assert serving.get("/hls/main-3f2a91c0-0.m4s").body == b"segment"
    assert [name == "http" for name in live.threads] == [is_quick]


def uris_in(playlist: str) -> list[str]:
    return re.findall(r'URI="([^"]+)"', playlist) + [
        line for line in playlist.splitlines() if line[:1] not in ("#", "")
    ]


def test_playlists_are_asked_for_again_and_segments_may_be_kept(serving: RunningWebServer) -> None:
    playlist, segment, header = (serving.get(path) for path in (FILES[1], FILES[3], FILES[4]))
    assert playlist.headers["Content-Type"].startswith("application/vnd.apple.mpegurl")
    assert playlist.headers["Cache-Control"] == "no-cache"
    assert (segment.body, header.body) == (b"segment", b"header")
    assert segment.headers["Content-Type"] == header.headers["Content-Type"] == "video/mp4"
    assert segment.headers["Cache-Control"] == "private, max-age=60, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "/hls/other.m3u8",
        "/hls/main-3f2a91c0-7.m4s",
        "/hls/main-00000000-0.m4s",
        "/hls/other-3f2a91c0-0.m4s",
        "/hls/main-3f2a91c0-0.ts",
        "/hls/main-3f2a91c0-99999999999999999999.m4s",
        "/hls/..%2f..%2fetc%2fpasswd",
    ],
)
def test_what_is_not_there_is_not_found(serving: RunningWebServer, path: str) -> None:
    got = serving.get(path)
    assert (got.status, got.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize("path", FILES)
def test_every_part_asks_for_the_right_to_view(guarded: RunningWebServer, path: str) -> None:
    assert guarded.get(path).status == 401
    assert guarded.get(path, Authorization=f"Bearer {TOKEN}").status == 200
    ticket = guarded.tickets.issue(60).secret
    assert guarded.get(path, Authorization=f"Bearer {ticket}").status == 200


def test_a_signed_playlist_signs_what_it_names_until_the_same_time(guarded: RunningWebServer) -> None:
    master = guarded.get((guarded.web.signed(FILES[0]) or "").removeprefix(guarded.url))
    (uri,) = uris_in(master.body.decode())
    assert uri.startswith("main.m3u8?expires=")
    playlist = guarded.get(f"/hls/{uri}")
    assert playlist.status == 200
    header, segment = uris_in(playlist.body.decode())
    for one in (header, segment):
        assert guarded.get(f"/hls/{one}").status == 200
        assert one.partition("?")[2].partition("&")[0] == uri.partition("?")[2].partition("&")[0]
        assert guarded.get(f"/hls/{one[:-1]}").status == 403
    assert guarded.get(f"/hls/{segment.partition('?')[0]}").status == 401


def test_a_player_without_headers_gets_an_address_that_opens_it(guarded: RunningWebServer) -> None:
    assert guarded.get("/hls/address").status == 401
    given = guarded.get("/hls/address", Authorization=f"Bearer {TOKEN}").body.decode().strip()
    assert given.startswith(f"{guarded.url}/hls/master.m3u8?expires=")
    assert guarded.get(given.removeprefix(guarded.url)).status == 200


def test_a_signature_that_is_not_valid_signs_nothing(guarded: RunningWebServer) -> None:
    got = guarded.get("/hls/main.m3u8?expires=9999999999&signature=x", Authorization=f"Bearer {TOKEN}")
    assert uris_in(got.body.decode()) == ["main-3f2a91c0-1.mp4", "main-3f2a91c0-0.m4s"]


def test_privacy_refuses_every_part(serving: RunningWebServer) -> None:
    serving.hub.privacy_gate.close()
    for path in FILES:
        got = serving.get(path)
        assert (got.status, got.body[:10]) == (403, b"privacy_on")


def test_a_camera_that_is_away_is_said(serving: RunningWebServer, live: FakeLive) -> None:
    live.is_away = True
    for path in FILES[:2]:
        got = serving.get(path)
        assert (got.status, got.body) == (503, b"the camera is offline; there is no live video\n")
        assert int(got.headers["Retry-After"]) > 0


def test_without_the_extra_it_says_what_to_install(serving: RunningWebServer, live: FakeLive) -> None:
    live.missing = video_hint()
    got = serving.get(FILES[0])
    assert (got.status, got.body.decode().strip()) == (501, video_hint())


def test_more_viewers_than_the_setting_says_are_refused(serving: RunningWebServer) -> None:
    assert [serving.get(FILES[1], User_Agent=name).status for name in ("a", "b", "a", "c", "b")] == [
        200,
        200,
        200,
        503,
        200,
    ]
    assert b"http.max_viewers" in serving.get(FILES[1], User_Agent="c").body


def test_it_can_be_switched_off(tmp_path: Path, live: FakeLive) -> None:
    with RunningWebServer(tmp_path, node=False, live=live, hls={"enable": False}) as running:
        got = running.get(FILES[1])
        assert (got.status, b"hls.enable" in got.body) == (404, True)


# ------------------------------------------------------------ a real node and a real decoder


class Camera:
    """A node with a synthetic camera whose pictures are numbered, without a broker."""

    def __init__(self, node: RunningNode, port: int) -> None:
        self.node, self.url = node, f"http://127.0.0.1:{port}"

    def get(self, path: str) -> bytes:
        """Return what is answered; a first playlist that is not there in time is asked for again, as players do."""
        end_s = time.monotonic() + BUSY_S
        while True:
            try:
                with urllib.request.urlopen(urljoin(f"{self.url}/hls/", path), timeout=BUSY_S) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError as refusal:
                if refusal.code != 503 or time.monotonic() > end_s:
                    raise

    def command(self, verb: str, **arguments: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/commands/{verb}", json.dumps(arguments).encode(), headers)
        with urllib.request.urlopen(request, timeout=BUSY_S) as answer:
            return dict(json.load(answer))

    def encoders(self) -> int:
        """Return the number of encoders of the whole picture; the remote variant's has a rate, its last argument."""
        found = 0
        for child in psutil.Process(self.node.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                found += "encoder.child_main" in " ".join(child.cmdline()) and child.cmdline()[-1] == "0"
        return found


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Camera]:
    pytest.importorskip("av", reason="the extra video is not installed")
    folder, port = tmp_path_factory.mktemp("hls"), free_port()
    sections: dict[str, Any] = {
        "camera": {"framerate": FPS, "width": 640, "height": 480},
        "mjpeg_server": {"enable": True, "port": port},
        "storage": {"min_free_bytes": 0},
    }
    with RunningNode(folder, free_port(), **sections) as node:
        found = Camera(node, port)
        wait_until(lambda: _has_pictures(found), "a ring of four seconds", BUSY_S)
        yield found


def _has_pictures(camera: Camera) -> bool:
    try:
        with urllib.request.urlopen(f"{camera.url}/api/state", timeout=5) as answer:
            return float(json.load(answer)["states"].get("ring_seconds") or 0) >= 4
    except (OSError, ValueError):
        return False


def numbers_in(data: bytes) -> list[int]:
    """Return the numbers that the synthetic camera burnt into the pictures of a header and segments."""
    import io  # noqa: PLC0415

    import av  # noqa: PLC0415 - an extra

    from pi_cam_node.camera.sources.synthetic.scene import number_of  # noqa: PLC0415 - needs OpenCV

    found: list[int] = []
    container: Any
    with av.open(io.BytesIO(data), format="mp4") as container:
        for frame in container.decode(video=0):
            luma = np.frombuffer(bytes(frame.planes[0]), np.uint8).reshape(frame.height, frame.planes[0].line_size)
            found.append(number_of(luma[:, : frame.width]))
    return found


def test_the_first_playlist_holds_the_past_and_every_picture_once(camera: Camera) -> None:
    playlist = camera.get("main.m3u8").decode()
    header, *segments = uris_in(playlist)
    assert len(segments) >= 3
    numbers = numbers_in(camera.get(header) + b"".join(map(camera.get, segments)))
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) >= 3 * FPS * 0.8


def test_a_player_of_another_make_follows_it(camera: Camera) -> None:
    """FFmpeg's own HLS reader: relative addresses, reloads, and time stamps that go on."""
    import av  # noqa: PLC0415

    camera.get("main.m3u8")  # FFmpeg's reader does not ask again where the encoder starts slowly
    times: list[float] = []
    container: Any
    with av.open(f"{camera.url}/hls/main.m3u8", timeout=(BUSY_S, BUSY_S)) as container:
        for frame in container.decode(video=0):
            times.append(float(frame.pts * frame.time_base))
            if len(times) == 6 * FPS:
                break
    distances = np.diff(times)
    assert distances.min() > 0
    assert distances.max() < 1.0, "no hole between the segments"


def test_one_encode_serves_viewers_and_a_recording_and_ends_after_both(camera: Camera) -> None:
    camera.get("main.m3u8")
    wait_until(lambda: camera.get("main.m3u8").decode().count("#EXTINF") >= 6, "what a recording begins with", BUSY_S)
    assert camera.command("set", key="recording.pre_roll_s", value=2)["ok"]
    assert camera.command("record", state="on")["ok"]
    wait_until(lambda: list(camera.node.folder.glob("captures/.*.mp4.rec")) != [], "a film", BUSY_S)
    camera.get("main.m3u8")
    assert camera.encoders() == 1
    assert camera.command("record", state="off")["ok"]
    camera.get("main.m3u8")
    wait_until(lambda: camera.encoders() == 0, "the encoder's end", BUSY_S)


def test_the_remote_variant_is_small(camera: Camera) -> None:
    wait_until(lambda: camera.get("remote.m3u8").decode().count("#EXTINF") >= 5, "five seconds of it", BUSY_S)
    header, *segments = uris_in(camera.get("remote.m3u8").decode())
    parts = [camera.get(name) for name in segments]
    assert numbers_in(camera.get(header) + parts[0])
    assert sum(map(len, parts)) * 8 / len(parts) < 600_000
    assert "RESOLUTION=320x240" in camera.get("master.m3u8").decode()


def test_without_viewers_the_next_playlist_begins_with_other_names(camera: Camera) -> None:
    before = uris_in(camera.get("main.m3u8").decode())
    assert camera.command("set", key="recording.quality", value=50)["ok"]
    after = uris_in(camera.get("main.m3u8").decode())
    assert not set(before) & set(after)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        camera.get(before[-1])


PLAYING = "document.querySelector('video').readyState >= 2 && document.querySelector('video').currentTime > 0"


# Playlists tell times of half a minute ago, as those of an encoder that is too slow for the camera.
LATE = """{
  const told = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "responseText");
  const late = (_all, name, time) => name + new Date(Date.parse(time) - 30000).toISOString();
  const get = function () { return told.get.call(this).replace(/(PROGRAM-DATE-TIME:)(\\S+)/g, late); };
  Object.defineProperty(XMLHttpRequest.prototype, "responseText", { get });
  0;
}"""


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_browser_says_how_old_a_picture_is_that_comes_late(camera: Camera, tmp_path: Path) -> None:
    async def story() -> None:
        async with looking(camera.url, tmp_path) as tab:
            await tab.until("document.querySelector('.watch') !== null")
            await tab.value(LATE)
            await tab.click(".watch")
            await tab.until(PLAYING)
            await tab.until("/, 3[0-9] s behind/.test(document.querySelector('#moment').innerText)")

    run(story)


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_browser_plays_it_with_its_time_and_shows_nothing_in_privacy(camera: Camera, tmp_path: Path) -> None:
    async def story() -> None:
        async with looking(camera.url, tmp_path) as tab:
            await tab.until("document.querySelector('.watch') !== null")
            await tab.click(".watch")
            await tab.until(PLAYING)
            await tab.until("/[0-9]:[0-9]{2}.* s behind/.test(document.querySelector('#moment').innerText)")
            assert await tab.value("document.querySelector('video').muted")
            assert await tab.value("document.querySelector('video').videoWidth") == 640
            began_s = await tab.value("document.querySelector('video').currentTime")
            await tab.until(f"document.querySelector('video').currentTime > {began_s} + 3")
            assert await tab.text(".video-words") == ""
            await asyncio.to_thread(camera.command, "privacy", enable="on")
            await tab.until("document.querySelector('#screen').dataset.showing === 'pictures'")
            assert await tab.value("document.querySelector('video').readyState") == 0
            await tab.until("document.querySelector('.watch').disabled")
            await asyncio.to_thread(camera.command, "privacy", enable="off")
            await tab.until("!document.querySelector('.watch').disabled")
            await tab.click(".watch")
            await tab.until(PLAYING)
            await tab.click(".watch")
            await tab.until("document.querySelector('#picture').naturalWidth > 0")
            assert await tab.value("document.querySelector('video').readyState") == 0
            assert tab.complaints == []

    run(story)
