"""Saved pictures over HTTP: by id, complete, ranges and thumbnails, from a real archive."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import io
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from pytest_mock import MockerFixture
from yarl import URL

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.config import Config
from pi_cam_node.core.events import SettingChanged
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.imaging import jpeg
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.web.auth.signed_links import SignedLinks
from pi_cam_node.web.context import Answered, State, WebContext, media_path
from pi_cam_node.web.http import disk_pool, file_response, writing
from pi_cam_node.web.live import routes as live_routes
from pi_cam_node.web.live import snapshot
from pi_cam_node.web.media import routes as media_routes
from pi_cam_node.web.media.thumbnails import MAX_BYTES, Thumbnails
from pi_cam_node.web.routes import CONTEXT
from tests.support.broker import wait_until
from tests.support.certificates import Authority
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES
from tests.support.pictures import ALL, ID, archive_in, config, noise, picture, save
from tests.support.web_server import RunningWebServer


@dataclass(frozen=True)
class Got:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Get = Callable[..., Coroutine[Any, Any, Got]]


async def nobody(verb: str, payload: bytes) -> Answered:
    raise AssertionError("no picture needs a command")


def with_server(archive: Any, talk: Callable[[Get], Coroutine[Any, Any, None]], settings: Config | None = None) -> None:
    """Serve an archive and talk to it; ``get(path, **headers)`` sends the path as it is."""

    async def run() -> None:
        clock = SystemClock()
        state = State(settings or Config())
        app = web.Application()
        app[CONTEXT] = WebContext(FrameHub(), archive, nobody, SignedLinks(clock), state, clock, IMAGES, {})
        disk_pool.attach(app)
        media_routes.attach(app)
        app.router.add_route("GET", "/media/{id}", media_routes.picture)
        app.router.add_route("GET", "/media/{id}/thumbnail", media_routes.thumbnail)
        async with TestServer(app) as server, ClientSession(auto_decompress=False) as session:

            async def get(path: str, **headers: str) -> Got:
                url = URL(f"http://127.0.0.1:{server.port}{path}", encoded=True)
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                async with session.get(url, headers=named) as response:
                    return Got(response.status, response.headers, await response.read())

            await talk(get)

    asyncio.run(run())


@pytest.fixture
def archive(tmp_path: Path) -> PictureArchive:
    """An archive with one picture, `ID`, in every format."""
    archive = archive_in(tmp_path, FakeClock())
    assert save(archive, formats=ALL) == ID
    return archive


def file_of(archive: PictureArchive, extension: str = "jpg") -> Path:
    found = archive.find(ID)
    assert found is not None
    return Path(found).with_suffix(f".{extension}")


# ------------------------------------------------------------------ whole


@pytest.mark.parametrize(
    ("query", "extension", "kind"),
    [
        ("", "jpg", "image/jpeg"),
        ("?format=jpg", "jpg", "image/jpeg"),
        ("?format=png", "png", "image/png"),
        ("?format=npy", "npy", "application/octet-stream"),
    ],
)
def test_a_picture_is_sent_as_it_is_on_disk(archive: PictureArchive, query: str, extension: str, kind: str) -> None:
    async def talk(get: Get) -> None:
        got = await get(f"/media/{ID}{query}")
        assert got.status == 200
        assert got.body == file_of(archive, extension).read_bytes()
        assert got.headers["Content-Length"] == str(len(got.body))
        assert got.headers["Content-Type"] == kind
        assert got.headers["Content-Disposition"] == f'inline; filename="{ID}.{extension}"'
        assert got.headers["Accept-Ranges"] == "bytes"
        assert got.headers["Cache-Control"] == "private, no-cache"

    with_server(archive, talk)


def test_a_picture_without_a_jpeg_is_sent_in_the_format_it_has(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, FakeClock())
    save(archive, formats=["png"])

    async def talk(get: Get) -> None:
        assert (await get(f"/media/{ID}")).headers["Content-Type"] == "image/png"
        assert (await get(f"/media/{ID}?format=jpg")).status == 404
        assert (await get(f"/media/{ID}?format=json")).status == 400

    with_server(archive, talk)


@pytest.mark.parametrize(
    "path",
    [
        "20261120T194501123Z-3f2a91c0-000043-single", f"{ID}.jpg", f"{ID}.json", f"..%2fcaptures%2f{ID}", f"{ID}%00",
        f"{ID}%0a", f"%2e%2e%2f{ID}", "..%2f..%2fetc%2fpasswd", "%ff%fe", f"{ID}%20", "x" * 5000, f"%2f{ID}", f"{ID}/.",
        f"{ID}/../{ID}.json", "..", f"{ID}/", f"{ID}.jpg/thumbnail",
    ],
)  # fmt: skip
@pytest.mark.promise("X2")
def test_only_an_exact_id_opens_a_picture(archive: PictureArchive, path: str) -> None:
    async def talk(get: Get) -> None:
        for ending in ("", "/thumbnail"):
            got = await get(f"/media/{path}{ending}")
            assert got.status == 404
            assert str(file_of(archive).parent).encode() not in got.body

    with_server(archive, talk)


def test_a_picture_that_was_removed_is_gone(archive: PictureArchive) -> None:
    async def talk(get: Get) -> None:
        assert (await get(f"/media/{ID}/thumbnail")).status == 200
        for path in file_of(archive).parent.iterdir():
            path.unlink()
        assert (await get(f"/media/{ID}")).status == 404
        assert (await get(f"/media/{ID}/thumbnail")).status == 404

    with_server(archive, talk)


@pytest.mark.parametrize("linked", ALL)
@pytest.mark.promise("X2")
def test_a_link_is_not_followed(archive: PictureArchive, tmp_path: Path, linked: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    file_of(archive, linked).unlink(missing_ok=True)
    (tmp_path / "captures" / f"{ID}.{linked}").symlink_to(secret)

    async def talk(get: Get) -> None:
        assert (await get(f"/media/{ID}?format={linked}")).status == 404
        assert b"secret" not in (await get(f"/media/{ID}")).body

    with_server(archive, talk)


def test_a_file_beside_a_picture_is_not_sent_in_its_place(archive: PictureArchive) -> None:
    file_of(archive, "jpg.gz").write_bytes(b"something else")

    async def talk(get: Get) -> None:
        got = await get(f"/media/{ID}", Accept_Encoding="gzip, br")
        assert got.body == file_of(archive).read_bytes()
        assert "Content-Encoding" not in got.headers

    with_server(archive, talk)


# ------------------------------------------------------------------ not again, and in part


def test_what_a_reader_has_is_not_sent_again(archive: PictureArchive) -> None:
    async def talk(get: Get) -> None:
        for path in (f"/media/{ID}", f"/media/{ID}/thumbnail"):
            first = await get(path)
            tag = first.headers["ETag"]
            assert tag.startswith('"')
            for given in (tag, f'"other", {tag}', "*", f"W/{tag}"):
                again = await get(path, If_None_Match=given)
                assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
            assert (await get(path, If_None_Match='"other"')).body == first.body

    with_server(archive, talk)


def test_dates_count_where_no_tag_is_named(archive: PictureArchive) -> None:
    async def talk(get: Get) -> None:
        first = await get(f"/media/{ID}")
        date = first.headers["Last-Modified"]
        assert parsedate_to_datetime(date).timestamp() == int(file_of(archive).stat().st_mtime)
        assert (await get(f"/media/{ID}", If_Modified_Since=date)).status == 304
        assert (await get(f"/media/{ID}", If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT")).status == 200
        assert (await get(f"/media/{ID}", If_Modified_Since=date, If_None_Match='"other"')).status == 200

    with_server(archive, talk)


def test_each_format_and_each_content_has_a_tag_of_its_own(archive: PictureArchive) -> None:
    async def talk(get: Get) -> None:
        tags = [(await get(f"/media/{ID}?format={one}")).headers["ETag"] for one in ALL]
        tags.append((await get(f"/media/{ID}/thumbnail")).headers["ETag"])
        path = file_of(archive)
        os.utime(path, ns=(1, 1))
        tags.append((await get(f"/media/{ID}")).headers["ETag"])
        assert len(set(tags)) == 5

    with_server(archive, talk)


def test_parts_together_are_the_whole(archive: PictureArchive) -> None:
    async def talk(get: Get) -> None:
        whole = file_of(archive).read_bytes()
        size, parts = len(whole), []
        for begin in range(0, size, 100):
            got = await get(f"/media/{ID}", Range=f"bytes={begin}-{begin + 99}")
            assert got.status == 206
            assert got.headers["Content-Range"] == f"bytes {begin}-{min(begin + 99, size - 1)}/{size}"
            assert got.headers["Content-Length"] == str(len(got.body))
            parts.append(got.body)
        assert b"".join(parts) == whole
        assert (await get(f"/media/{ID}", Range="bytes=-7")).body == whole[-7:]

    with_server(archive, talk)


def test_a_part_beyond_the_end_is_refused_with_the_size(archive: PictureArchive) -> None:
    async def talk(get: Get) -> None:
        size = file_of(archive).stat().st_size
        got = await get(f"/media/{ID}", Range=f"bytes={size}-")
        assert (got.status, got.headers["Content-Range"]) == (416, f"bytes */{size}")

    with_server(archive, talk)


def test_a_part_of_what_has_changed_is_the_whole(archive: PictureArchive) -> None:
    async def talk(get: Get) -> None:
        first = await get(f"/media/{ID}")
        for given, status in (
            (first.headers["ETag"], 206),
            (first.headers["Last-Modified"], 206),
            ('"other"', 200),
            (f"W/{first.headers['ETag']}", 200),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ):
            assert (await get(f"/media/{ID}", Range="bytes=0-9", If_Range=given)).status == status

    with_server(archive, talk)


def test_a_large_picture_is_sent_whole_and_in_many_chunks(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, FakeClock())
    pixels = noise(1024, 768)
    archive.save(picture(content=pixels), ["npy"], config())

    async def talk(get: Get) -> None:
        got = await get(f"/media/{ID}")
        assert len(got.body) > 8 * file_response.CHUNK_BYTES
        assert np.array_equal(np.load(io.BytesIO(got.body)), pixels)

    with_server(archive, talk)


def test_a_reader_that_takes_nothing_is_cut_off(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(writing, "STALL_S", 0.3)
    path = tmp_path / f"{ID}.npy"
    np.save(path, noise(4000, 3000))

    def is_read() -> bool:
        return str(path) in {os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()}

    with RunningWebServer(tmp_path) as serving, socket.create_connection(("127.0.0.1", serving.port), 10) as client:
        serving.pictures.files[ID] = path
        client.sendall(f"GET /media/{ID} HTTP/1.1\r\nHost: 127.0.0.1:{serving.port}\r\n\r\n".encode())
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        wait_until(lambda: not is_read(), "the end of the reading")
        came = 0
        with contextlib.suppress(ConnectionResetError):
            while data := client.recv(1 << 20):
                came += len(data)
        assert came < path.stat().st_size
        assert serving.get(f"/media/{ID}", Range="bytes=0-9").status == 206


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), RuntimeError("a bug")])
def test_a_body_that_cannot_be_ended_is_cut_and_no_other_answer_follows_in_it(
    tmp_path: Path, mocker: MockerFixture, error: Exception
) -> None:
    path = tmp_path / f"{ID}.npy"
    np.save(path, noise(1024, 768))
    first = path.read_bytes()[: file_response.CHUNK_BYTES]
    with RunningWebServer(tmp_path) as serving:
        serving.pictures.files[ID] = path
        mocker.patch.object(file_response, "_read", side_effect=[first, error])
        with socket.create_connection(("127.0.0.1", serving.port), 10) as client:
            client.sendall(f"GET /media/{ID} HTTP/1.1\r\nHost: 127.0.0.1:{serving.port}\r\n\r\n".encode())
            came = b""
            with contextlib.suppress(ConnectionResetError):
                while data := client.recv(1 << 20):
                    came += data
        assert came.startswith(b"HTTP/1.1 200 OK")
        assert first.startswith(came.partition(b"\r\n\r\n")[2])
        assert serving.get("/media/none").status == 404


# ------------------------------------------------------------------ privacy

RECEIVED_BYTES = 64 * 1024


@contextlib.contextmanager
def slow_reader(serving: RunningWebServer, path: str, tls: ssl.SSLContext | None = None) -> Iterator[socket.socket]:
    """Ask for something and read only how its body begins; little fits in between."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
    plain.settimeout(20)
    plain.connect(("127.0.0.1", serving.port))
    with plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost") as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{serving.port}\r\n\r\n".encode())
        begun = b""
        while not begun.partition(b"\r\n\r\n")[2]:
            begun += client.recv(512)
        assert begun.startswith(b"HTTP/1.1 200 OK")
        yield client


def rest_of(client: socket.socket) -> int:
    """Return how many bytes still come before the connection is cut."""
    came = 0
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while data := client.recv(1 << 20):
            came += len(data)
    return came


@pytest.mark.parametrize(
    "path", [f"/media/{ID}", f"/media/{ID}/thumbnail", "/snapshot.jpg?width=64", "/shortstream?n=1"]
)
def test_a_picture_on_its_way_ends_when_privacy_begins(
    tmp_path: Path, mocker: MockerFixture, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    large = tmp_path / f"{ID}.npy"
    np.save(large, noise(4000, 3000))
    # No real one is so large; a client with enough of them under way gets to the same.
    mocker.patch.object(Thumbnails, "of", return_value=large.read_bytes())
    mocker.patch.object(snapshot, "resized_of", return_value=large.read_bytes())
    mocker.patch.object(live_routes, "enclose", return_value=large.read_bytes())
    with RunningWebServer(tmp_path) as serving:
        serving.pictures.files[ID] = large
        core = serving.core
        assert core is not None
        serving.show()
        wait_until(lambda: len(core.ring) > 0, "the frame in the ring")
        with slow_reader(serving, path) as client:
            serving.hub.privacy_gate.close()
            assert serving.get(path).status == 403  # the server has come so far
            came = rest_of(client)
        # What the node's own kernel had not sent is dropped, so only what the client's holds is left to read.
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert came <= 8 * RECEIVED_BYTES, f"{came} bytes of {large.stat().st_size}"
        serving.hub.privacy_gate.open(serving.clock.monotonic() - 1)
        serving.show()
        assert len(serving.get(path).body) >= large.stat().st_size


def test_a_picture_on_its_way_by_tls_ends_when_privacy_begins(tmp_path: Path, authority: Authority) -> None:
    large = tmp_path / f"{ID}.npy"
    np.save(large, noise(4000, 3000))
    cert, key = authority.issue("localhost")
    tls = {"enable": True, "cert": str(cert), "key": str(key)}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.ca)
    with RunningWebServer(tmp_path, http={"tls": tls}) as serving:
        serving.pictures.files[ID] = large
        with slow_reader(serving, f"/media/{ID}", context) as client:
            serving.hub.privacy_gate.close()
            came = rest_of(client)
        assert came <= 8 * RECEIVED_BYTES, f"{came} bytes of {large.stat().st_size}"


def test_a_connection_whose_picture_has_left_is_not_cut(archive: PictureArchive, tmp_path: Path) -> None:
    with RunningWebServer(tmp_path) as serving:
        serving.pictures.files[ID] = file_of(archive)
        kept = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=60)
        # Once the second is answered the first has ended on the server's side too.
        for path, status in ((f"/media/{ID}", 200), ("/media/none", 404), (f"/media/{ID}", 403)):
            if status == 403:
                serving.hub.privacy_gate.close()
            kept.request("GET", path)
            answer = kept.getresponse()
            assert (answer.status, answer.will_close) == (status, False)
            answer.read()
        kept.close()


# ------------------------------------------------------------------ small


@pytest.mark.parametrize("one", ALL)
def test_a_thumbnail_is_a_small_jpeg_of_any_format(tmp_path: Path, one: Any) -> None:
    archive = archive_in(tmp_path, FakeClock())
    archive.save(picture(content=np.full((768, 1024, 3), (200, 100, 50), np.uint8)), [one], config())

    async def talk(get: Get) -> None:
        got = await get(f"/media/{ID}/thumbnail")
        assert (got.status, got.headers["Content-Type"]) == (200, "image/jpeg")
        assert got.headers["Content-Disposition"] == f'inline; filename="{ID}-small.jpg"'
        small = jpeg.decode(got.body)
        assert small.shape == (240, 320, 3)
        assert np.abs(small.reshape(-1, 3).mean(axis=0) - (200, 100, 50)).max() < 4

    with_server(archive, talk)


def test_a_thumbnail_is_as_wide_as_the_settings_say_and_never_large(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, FakeClock())
    archive.save(picture(content=noise(1600, 1200)), ["jpg"], config())

    async def talk(get: Get) -> None:
        got = await get(f"/media/{ID}/thumbnail")
        assert len(got.body) <= MAX_BYTES

    with_server(archive, talk, Config.model_validate({"export": {"thumbnail_px": 1024}}))


def test_a_thumbnail_is_made_once(archive: PictureArchive, mocker: MockerFixture) -> None:
    made: list[str] = []
    make = IMAGES.thumbnail_of_file

    def thumbnail_of_file(content: bytes, suffix: str, width_px: int, max_bytes: int) -> bytes:
        made.append(suffix)
        return make(content, suffix, width_px, max_bytes)

    mocker.patch.object(IMAGES, "thumbnail_of_file", thumbnail_of_file)

    async def talk(get: Get) -> None:
        bodies = {(await get(f"/media/{ID}/thumbnail")).body for _ in range(5)}
        assert len(bodies) == 1
        assert made == [".jpg"]

    with_server(archive, talk)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0" + bytes(100)])
@pytest.mark.parametrize("one", ALL)
def test_what_cannot_be_read_has_no_thumbnail(archive: PictureArchive, content: bytes, one: str) -> None:
    folder = file_of(archive).parent
    for extension in ALL:
        (folder / f"{ID}.{extension}").unlink()
    (folder / f"{ID}.{one}").write_bytes(content)

    async def talk(get: Get) -> None:
        assert (await get(f"/media/{ID}/thumbnail")).status == 404

    with_server(archive, talk)


def test_an_npy_file_that_runs_code_is_not_loaded(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, FakeClock())
    save(archive, formats=["npy"])
    np.save(file_of(archive, "npy"), np.array([{"an": "object"}], dtype=object), allow_pickle=True)

    async def talk(get: Get) -> None:
        assert (await get(f"/media/{ID}/thumbnail")).status == 404

    with_server(archive, talk)


def test_many_thumbnails_at_once_are_all_sent(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, FakeClock())
    ids = [save(archive, frame, formats=["png"]) for frame in range(40)]

    async def talk(get: Get) -> None:
        every = await asyncio.gather(*(get(f"/media/{picture_id}/thumbnail") for picture_id in ids))
        assert {got.status for got in every} == {200}
        assert all(cv2.imdecode(np.frombuffer(got.body, np.uint8), cv2.IMREAD_COLOR) is not None for got in every)

    with_server(archive, talk)


# ------------------------------------------------------------------ by whom


def test_a_signed_link_opens_its_picture_and_nothing_else(archive: PictureArchive, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-good-length\n")
    token.chmod(0o600)
    with RunningWebServer(tmp_path, http={"token_file": str(token)}) as serving:
        serving.pictures.files[ID] = file_of(archive)
        path = media_path(ID)
        assert serving.get(path).status == 401
        assert serving.get(path, Authorization="Bearer a-token-of-good-length").status == 200
        links = serving.web.context.links
        assert serving.get(links.sign(path, 60)).body == file_of(archive).read_bytes()
        assert serving.get(links.sign(f"{path}/thumbnail", 60)).status == 200
        link = links.sign(path)
        serving.web.on_event(SettingChanged("privacy.enable", True))
        assert serving.get(link).status == 403, "privacy ends links"
        query = links.sign(path, 60).partition("?")[2]
        assert serving.get(f"{path}/thumbnail?{query}").status == 403
        assert serving.get(f"/api/state?{query}").status == 401
    assert not any(thread.name == "http" for thread in threading.enumerate())


# ------------------------------------------------------------ a disk that hangs


def test_a_disk_that_hangs_takes_neither_the_state_nor_the_live_view_along(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    mocker.patch.object(disk_pool, "READ_S", 0.5)
    hangs, asked = threading.Event(), threading.Semaphore(0)
    statuses: list[int] = []
    with RunningWebServer(tmp_path) as serving:

        def find(_picture_id: str) -> None:
            asked.release()
            hangs.wait(60)

        mocker.patch.object(serving.pictures, "find", find)
        visitors = [
            threading.Thread(target=lambda: statuses.append(serving.get(f"{media_path(ID)}/thumbnail").status))
            for _ in range(disk_pool.READERS + 2)
        ]
        try:
            for visitor in visitors:
                visitor.start()
            assert all(asked.acquire(timeout=60) for _ in range(disk_pool.READERS))
            serving.show()
            for _ in range(disk_pool.READERS):
                assert serving.get("/api/state").status == 200
                assert serving.get("/snapshot.jpg?width=64").status == 200
            for visitor in visitors:
                visitor.join(15)
            assert len(statuses) == len(visitors)
            assert {504} <= set(statuses) <= {503, 504}
            refused = serving.get(media_path(ID))
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        finally:
            hangs.set()
        mocker.stopall()
        wait_until(lambda: serving.get(media_path(ID)).status == 404, "the disk to answer again")
