"""The node's page in a real browser: states, pictures, settings, and lost connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.core.events import CameraChanged, FaultReported
from pi_cam_node.core.inputs import BrokerConnected
from tests.support.chromium import find_chromium
from tests.support.node_page import LIVE, looking, run
from tests.support.web_server import RunningWebServer

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

TOKEN = "a-token-for-this-test-only-0123456789"


class Relay:
    """Stands between page and server, and cuts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> str:
        """Return where it listens."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, upstream_writer]
        await asyncio.gather(_pipe(reader, upstream_writer), _pipe(upstream_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        return  # cut
    finally:
        writer.close()


def test_pictures_of_now_and_of_the_past_are_taken_with_clicks(tmp_path: Path, mocker: MockerFixture) -> None:
    with RunningWebServer(tmp_path) as serving, serving.filming():
        saved = tmp_path / "saved.jpg"
        cv2.imwrite(str(saved), np.full((240, 320, 3), 90, np.uint8))
        serving.pictures.files = {"single-0001": saved, "stack-0002": saved, "ring-0002": saved}
        mocker.patch.object(serving.pictures, "newest", return_value=[])  # then those of this run are listed

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until(LIVE)
                await tab.until("document.querySelector('#mode').innerText === 'Day'")
                await tab.click("#save")
                await tab.until("document.querySelector('#shot').innerText.startsWith('Saved.')")
                await tab.until("document.querySelector('#pictures [data-id=single-0001] img')?.naturalWidth > 0")
                await tab.until("document.querySelector('#ago').max >= 4")
                await tab.click("#ago", across=0.6)
                seconds = float(await tab.value("document.querySelector('#ago').value"))
                assert 0.5 <= seconds < float(await tab.value("document.querySelector('#ago').max"))
                await tab.until("document.querySelector('#preview').naturalWidth > 0")
                assert len(serving.archive.saved) == 1, "looking saves nothing"
                pressed_s = serving.clock.monotonic()
                await tab.click("#past")
                await tab.until("document.querySelectorAll('#pictures li').length === 2")
                taken = serving.archive.saved[1][0]
                assert seconds - 0.6 < pressed_s - taken.first_mono_s < seconds + 3
                await tab.until("document.querySelector('#pictures h3').innerText.startsWith('Today')")
                await tab.click("#pictures li a")
                await tab.until("document.querySelector('dialog[open] .delete') !== null")
                assert await tab.value("document.querySelector('dialog[open] a[download]') !== null")
                await tab.click("dialog[open] .delete")
                await tab.until("document.querySelector('dialog[open] .delete').innerText === 'Really delete?'")
                second = "new MouseEvent('click', {bubbles: true, cancelable: true, detail: 2})"
                await tab.value(
                    f"document.querySelector('dialog[open] .delete').dispatchEvent({second})"
                )  # of a double click
                await tab.until("document.querySelector('dialog[open] .delete').innerText === 'Really delete?'")
                assert len(serving.archive.rows) == 2, "the first press deletes nothing"
                await tab.click("dialog[open] .delete")
                await tab.until("document.querySelectorAll('#pictures li').length === 1")
                assert len(serving.archive.rows) == 1
                await tab.pass_midnight()
                await tab.until("document.querySelector('#pictures h3').innerText.startsWith('Yesterday')")

        run(story)
        assert [picture.kind for picture, _ in serving.archive.saved] == ["single", "stack"]


def test_a_setting_is_changed_and_a_refusal_stands_beside_it(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path) as serving:

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until("document.querySelector('#set-night-gain') !== null")
                await tab.click("[data-section=night] summary")
                await tab.write("#set-night-gain", "7.5")
                await tab.until("document.querySelector('#set-night-gain-said').innerText === 'Changed.'")
                await tab.write("#set-night-gain", "99")
                await tab.until("document.querySelector('#set-night-gain-said').innerText.includes('from 1 to 64')")
                await tab.until("document.querySelector('#set-night-gain').value === '7.5'")
                await tab.click("#set-night-enable")
                await tab.until("document.querySelector('#set-night-enable-said').innerText === 'Changed.'")
                await tab.click("[data-section=ring] summary")
                await tab.write("#set-ring-max_bytes", "16")
                await tab.until("document.querySelector('#set-ring-max_bytes-said').innerText === 'Changed.'")
                await tab.click("#keep")
                await tab.until("document.querySelector('#kept').innerText.includes('/etc/config.yaml')")

        run(story)
        assert serving.core is not None
        assert serving.core.config.night.gain == 7.5
        assert not serving.core.config.night.enable
        assert serving.core.config.ring.max_bytes == 16 << 20


def test_a_setting_that_is_changed_elsewhere_is_shown_on_an_open_page(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path) as serving, serving.filming():

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until("document.querySelector('#motion-motion-sensitivity')?.value === '50'")
                for key, value in (("motion.sensitivity", 70), ("night.gain", 8)):
                    assert (
                        await asyncio.to_thread(serving.post, "/api/commands/set", {"key": key, "value": value})
                    ).json["ok"]
                await tab.until("document.querySelector('#motion-motion-sensitivity')?.value === '70'")
                await tab.until("document.querySelector('#set-night-gain')?.value === '8'")
                await tab.until_asked("/api/state")
                tab.requests.clear()
                await tab.until_asked("/api/state")
                assert not any(asked.endswith("/api/config") for asked in tab.requests)

        run(story)


def test_the_switch_beside_the_picture_hides_it_and_shows_it_again(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path) as serving, serving.filming():

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until(LIVE)
                await tab.until("document.querySelector('#private').innerText.includes('Off.')")
                await tab.click("#privacy")
                await tab.until("document.querySelector('#private').innerText.includes('On: the camera is stopped')")
                await tab.until("document.querySelector('#notices').innerText.includes('Privacy is on')")
                await tab.until("document.querySelector('#save').disabled")
                await tab.until("document.querySelector('#no-pictures').innerText.includes('are not shown')")
                assert serving.hub.privacy_gate.closed
                await tab.go(serving.url)  # further clients are refused the stream, with the reason
                await tab.until("document.querySelector('#veil').innerText.includes('Privacy is on')")
                await tab.until("document.querySelector('#privacy').checked")
                await tab.click("#privacy")
                await tab.until("document.querySelector('#private').innerText.includes('Off.')")
                await tab.until(LIVE)
                assert not serving.hub.privacy_gate.closed

        run(story)


def test_a_refused_privacy_switch_stands_where_it_stood_and_says_why(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path, privacy={"enable": True}) as serving:
        serving.privacy_port.error = NotSaved("read-only file system")

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until("document.querySelector('#privacy:checked:enabled') !== null")
                await tab.click("#privacy")
                await tab.until("document.querySelector('#privacy-said').innerText.includes('read-only file system')")
                await tab.until("document.querySelector('#privacy:checked:enabled') !== null")

        run(story)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("safe mode: the camera is left alone, because 5 starts in a row came to nothing", "Safe mode: the camera"),
        ("unplugged", "The camera is offline: unplugged."),
    ],
)
def test_nothing_is_promised_of_a_camera_that_never_delivered(tmp_path: Path, reason: str, said: str) -> None:
    with RunningWebServer(tmp_path) as serving:
        serving.tell(FaultReported("camera_down", reason))

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until(f"document.querySelector('#notices').innerText.includes({json.dumps(said)})")
                assert "can still be saved" not in await tab.text("#notices")

        run(story)


def test_the_page_says_what_is_away_and_comes_back_by_itself(tmp_path: Path) -> None:
    with ExitStack() as second, RunningWebServer(tmp_path) as serving:

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                with serving.filming():
                    await tab.until(LIVE)
                    await tab.until("document.querySelector('#notices').innerText.includes('broker is unreachable')")
                    serving.tell(BrokerConnected("5", 1))
                    await tab.until("document.querySelector('#notices').innerText === ''")
                serving.hub.publish(None)
                serving.tell(CameraChanged(online=False, reason="unplugged", at=serving.clock.utcnow()))
                serving.tell(FaultReported("camera_down", "unplugged"))
                await tab.until("document.querySelector('#notices').innerText.includes('camera is offline: unplugged')")
                await tab.until("document.querySelector('#moment').innerText === 'No live picture'")
                assert await tab.value(LIVE), "the placeholder is shown"
                await asyncio.to_thread(serving.__exit__, None, None, None)
                await tab.until("document.querySelector('#notices').innerText.includes('The node does not answer')")
                assert "does not answer" in await tab.text("#veil")
                assert await tab.value("document.querySelector('#save').disabled")
                again = RunningWebServer(tmp_path / "again", mjpeg_server={"port": serving.port})
                again.port = serving.port
                await asyncio.to_thread(second.enter_context, again)
                with again.filming():
                    await tab.until(LIVE)
                    await tab.until("!document.querySelector('#save').disabled")

        run(story)


@pytest.mark.promise("X4")
def test_markup_in_names_and_faults_is_shown_as_text(tmp_path: Path, figure: Callable[[str], None]) -> None:
    markup = "<b id=evil>x</b><img src=x onerror='document.body.dataset.evil=1'>"
    with RunningWebServer(tmp_path, name=markup) as serving, serving.filming():
        serving.tell(FaultReported("camera_down", markup))

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until(f"document.body.innerText.split({json.dumps(markup)}).length >= 3")
                assert await tab.value("document.querySelector('#evil') === null && !document.body.dataset.evil")
                assert await tab.value("document.title.includes('<b id=evil>')")

        run(story)
    figure(
        "a name and a fault of markup: shown as text in 2 places and the title, 0 elements and 0 scripts made of them"
    )


def test_a_stream_that_ends_is_taken_up_again(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path) as serving, serving.filming():

        async def story() -> None:
            relay = Relay(serving.port)
            url = await relay.start()
            async with looking(url, tmp_path) as tab:
                await tab.until(LIVE)
                for _again in range(2):
                    tab.requests.clear()
                    relay.cut()
                    await tab.until_asked("/stream")
                    shown = await tab.value("document.querySelector('#picture').src")
                    await tab.until(f"document.querySelector('#picture').src !== '{shown}' && {LIVE}")
            await relay.stop()

        run(story)


def test_the_page_says_that_too_many_are_watching(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path, http={"max_viewers": 1}) as serving, serving.filming():

        async def story() -> None:
            _reader, other = await asyncio.open_connection("127.0.0.1", serving.port)
            other.write(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await _reader.readuntil(b"\xff\xd8")
            async with looking(serving.url, tmp_path) as tab:
                await tab.until("document.querySelector('#veil').innerText.includes('Too many people')")
                other.close()
                await tab.until(LIVE)

        run(story)


def test_a_person_logs_in_and_out(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    token_file.chmod(0o600)
    with RunningWebServer(tmp_path, http={"token_file": str(token_file)}) as serving, serving.filming():

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                # Who is quicker than the page's own focus gets a complaint of the browser.
                focused = "document.activeElement?.id === 'token'"
                await tab.until(f"location.pathname === '/login' && {focused}")
                await tab.write("#token", "not-the-token")
                refused = "document.querySelector('#refusal').innerText === 'This is not the token.'"
                await tab.until(f"{refused} && {focused}")
                await tab.write("#token", TOKEN)
                await tab.until("location.pathname === '/' && document.querySelector('#mode')?.innerText === 'Day'")
                await tab.until(LIVE)
                await tab.click("#save")
                await tab.until("document.querySelector('#shot').innerText.includes('Saved')")
                await tab.click("#leave")
                await tab.until("location.pathname === '/login'")
                await tab.go(serving.url)
                await tab.until("location.pathname === '/login'")

        run(story)


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_nothing_is_wider_than_the_window(tmp_path: Path, width: int) -> None:
    with RunningWebServer(tmp_path) as serving, serving.filming():

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.look(width=width, height=800, phone=width < 768)
                await tab.until(LIVE)
                await tab.until("document.querySelector('#set-night-gain') !== null")  # the settings come on their own
                # Pressed by the page itself: while the groups unfold, the button moves away from under a click.
                await tab.value("document.querySelectorAll('details').forEach((group) => { group.open = true; })")
                await tab.value("document.querySelector('#save').click()")
                await tab.until("document.querySelector('#shot').innerText.includes('Saved')")
                assert await tab.value("document.documentElement.scrollWidth <= innerWidth")

        run(story)


def test_every_control_has_a_name_for_those_who_cannot_see_it(tmp_path: Path) -> None:
    controls = {"button", "checkbox", "combobox", "link", "slider", "spinbutton", "switch", "textbox"}
    with RunningWebServer(tmp_path) as serving, serving.filming():

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until(LIVE)
                await tab.until("document.querySelector('#set-night-gain') !== null")  # the settings come on their own
                await tab.value("document.querySelectorAll('details').forEach((group) => { group.open = true; })")
                # The tree follows the page a little later: what the groups hold appears in it by and by.
                told: list[tuple[str, str]] = []
                while not {role for role, _ in told} >= controls - {"link", "textbox"}:
                    await asyncio.sleep(0.2)
                    tree = (await tab.send("Accessibility.getFullAXTree"))["nodes"]
                    told = [(node["role"]["value"], node["name"]["value"]) for node in tree
                            if not node["ignored"] and node["role"]["value"] in controls]  # fmt: skip
                assert [pair for pair in told if not pair[1].strip()] == []

        run(story)


def test_files_are_kept_by_the_browser_and_asked_for_by_name_only(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path, node=False) as serving:
        got = serving.get("/static/app.js")
        assert (got.status, got.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
        again = serving.get("/static/app.js", If_None_Match=got.headers["Etag"])
        assert (again.status, again.body) == (304, b"")
        assert serving.get("/static/app.js", If_None_Match='"other"').status == 200
        for name in ("index.html", "..%2findex.html", "..%2f..%2fpage.py", "%2fetc%2fpasswd", ".", ""):
            assert serving.get(f"/static/{name}").status == 404
