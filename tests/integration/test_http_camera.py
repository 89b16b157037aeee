"""Cameras over HTTP: streams, snapshots, logins, and protocol errors."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.redaction import without_logins
from pi_cam_node.camera.source import BadImage, Controls
from pi_cam_node.camera.sources import http_camera as http_camera_source
from pi_cam_node.camera.sources.http_camera import HttpCameraSource
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging import jpeg
from tests.support.certificates import Authority
from tests.support.http_camera_server import PASSWORD, Login, http_camera, picture

DAY = Controls("day", 20.0, 100_000, 1.0, "stream")


@pytest.mark.parametrize("path", ["/stream", "/snapshot.jpg", "/moved"])
@pytest.mark.parametrize("login", ["", "basic", "digest", "sha-256", "several"])
def test_pictures_come_with_every_login(path: str, login: Login) -> None:
    with http_camera(path, login) as url:
        source = HttpCameraSource(url)
        opened = source.open(CameraConfig(), DAY)
        assert (opened.size, opened.layout, opened.controls) == ((320, 240), "bgr", False)
        assert "secret" not in opened.source
        shots = [source.read() for _ in range(8)]
        source.close()
    assert len({shot.pixels.tobytes() for shot in shots}) >= 3
    assert [shot.captured_mono_s for shot in shots] == sorted(shot.captured_mono_s for shot in shots)


def test_a_wrong_login_is_said_without_the_password() -> None:
    with http_camera("/stream", "basic") as url, pytest.raises(SourceError, match="answers 401: it refuses") as refused:
        HttpCameraSource(url.replace("secret", "wrong")).open(CameraConfig(), DAY)
    assert "wrong" not in str(refused.value)
    assert "as user:password@host" in without_logins(str(refused.value))
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(("path", "words"), [("/page", "answers with text/html"), ("/none", "answers 404")])
def test_an_address_without_pictures_is_said(path: str, words: str) -> None:
    with http_camera(path) as url, pytest.raises(SourceError, match=words):
        HttpCameraSource(url).open(CameraConfig(), DAY)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/mjpeg",
            "/stream-without-a-kind",
            "/stream-with-a-length",
            "/icy",
            "/bytes.jpg",
            "/gzip.jpg",
            "/deflate.jpg",
        ),
        *("/no-length.jpg", "/no-length-gzip.jpg", "/no-length-bytes.jpg", "/endless.jpg", "/endless-redirect"),
    ],
)
def test_pictures_come_whatever_they_are_called_and_packed_in(path: str) -> None:
    with http_camera(path) as url:
        source = HttpCameraSource(url)
        assert source.open(CameraConfig(), DAY).size == (320, 240)
        assert [source.read().pixels.shape for _ in range(6)] == [(240, 320, 3)] * 6
        source.close()


def test_a_phone_s_picture_that_is_turned_by_exif_alone_is_upright() -> None:
    """It lay on its side where simplejpeg decoded it, and stood upright where OpenCV did."""
    with http_camera("/phone.jpg") as url:
        source = HttpCameraSource(url)
        assert source.open(CameraConfig(), DAY).size == (32, 48)
        for _ in range(2):
            corner = source.read().pixels[4, 4]
            assert corner[2] > 200 > corner[0]
        source.close()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/ssh", "is no HTTP server: it answers 'SSH-2.0-Op.*check the port"),
        ("/silent", "cannot be reached: Remote end closed"),
    ],
)
def test_what_does_not_speak_http_is_said(path: str, words: str) -> None:
    with http_camera(path) as url, pytest.raises(SourceError, match=words):
        HttpCameraSource(url).open(CameraConfig(), DAY)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/empty.jpg", "an empty answer came instead of a picture"),
        ("/busy", "503: it does not serve it now: end other programs"),
        ("/unchanged", "304: it has nothing new, though all was asked for; restart it"),
        ("/in-a-circle", "302: it sends on to where nothing can be read; open it in a browser"),
    ],
)
def test_an_answer_without_a_picture_is_said_with_what_to_do(path: str, words: str) -> None:
    with http_camera(path) as url, pytest.raises(SourceError, match=words):
        HttpCameraSource(url).open(CameraConfig(), DAY)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/snapshot.png", "sends a PNG, and nothing but JPEG is read; choose JPEG"),
        ("/snapshot.webp", "sends a WebP, "),
        ("/login.jpg", "sends a web page, "),
        ("/text.jpg", r"sends no JPEG \(b'came'\), "),
    ],
)
def test_a_picture_that_is_no_jpeg_is_said_with_what_to_do(path: str, words: str) -> None:
    with http_camera(path) as url, pytest.raises(BadImage, match=words):
        HttpCameraSource(url).open(CameraConfig(), DAY)


def test_a_certificate_that_is_not_trusted_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program is not installed")
    authority = Authority(tmp_path, "camera-ca")
    with http_camera("/snapshot.jpg", tls=authority.issue("localhost")) as url:
        address = url.replace("127.0.0.1", "localhost")
        with pytest.raises(SourceError, match=r"not trusted: .*; write http:// instead, or .* SSL_CERT_FILE"):
            HttpCameraSource(address).open(CameraConfig(), DAY)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        source = HttpCameraSource(address)
        assert source.open(CameraConfig(), DAY).size == (320, 240)
        source.close()


def test_a_snapshot_that_is_refused_now_and_then_costs_itself_alone() -> None:
    """Each one closed the camera: it was offline for a moment, and came back in a new event."""
    with http_camera("/busy-now-and-then.jpg") as url:
        source = HttpCameraSource(url)
        source.open(CameraConfig(), DAY)
        source.read()  # the one that came with opening
        for _ in range(3):
            assert source.read().pixels.shape == (240, 320, 3)
            with pytest.raises(BadImage, match="answers 503: it does not serve it now"):
                source.read()
            source.read()
        source.close()


def test_a_host_that_is_not_there_is_said() -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        HttpCameraSource("http://127.0.0.1:9/stream").open(CameraConfig(), DAY)


def test_pictures_of_another_size_or_cut_short_cost_themselves_alone() -> None:
    with http_camera("/stream", fps=200, bad_every=5) as url:
        source = HttpCameraSource(url)
        source.open(CameraConfig(), Controls("day", 60.0, 100_000, 1.0, "stream"))
        good = bad = 0
        for _ in range(60):
            try:
                source.read()
                good += 1
            except BadImage:
                bad += 1
        source.close()
    assert good >= 30
    assert bad >= 1


def test_a_stream_that_is_called_one_picture_is_read_over_one_connection() -> None:
    with http_camera("/endless.jpg") as url:
        source = HttpCameraSource(url)
        source.open(CameraConfig(), DAY)
        began_s = time.monotonic()
        times_s = [source.read().captured_mono_s for _ in range(6)]
        source.close()
    assert times_s == sorted(set(times_s))
    assert time.monotonic() - began_s < 3


def test_a_slow_stream_that_is_called_one_picture_is_opened_in_time(mocker: MockerFixture) -> None:
    mocker.patch.object(http_camera_source, "TIMEOUT_S", 2.0)
    with http_camera("/endless-slow.jpg") as url:
        source = HttpCameraSource(url)
        source.open(CameraConfig(), DAY)
        assert [source.read().pixels.shape for _ in range(3)] == [(240, 320, 3)] * 3
        source.close()


@pytest.mark.parametrize("path", ["/endless-head", "/endless-bytes.jpg", "/endless-part", "/endless-chunk"])
def test_a_camera_that_sends_a_byte_now_and_then_is_not_waited_for_without_end(
    path: str, mocker: MockerFixture
) -> None:
    """Each byte came within the timeout of the socket."""
    mocker.patch.object(http_camera_source, "TIMEOUT_S", 1.0)
    with http_camera(path) as url:
        began_s = time.monotonic()
        with pytest.raises(SourceError):
            HttpCameraSource(url).open(CameraConfig(), DAY)
        assert 0.9 < time.monotonic() - began_s < 5


def test_a_stream_that_ends_is_said() -> None:
    with http_camera("/stream", frames=3) as url:
        source = HttpCameraSource(url)
        source.open(CameraConfig(), DAY)
        with pytest.raises(SourceError, match="ended the stream"):
            [source.read() for _ in range(5)]
        source.close()


def test_of_pictures_that_wait_the_newest_is_taken(mocker: MockerFixture) -> None:
    """On a machine that was slower than the camera they were shown one by one, 13 s late."""
    mocker.patch.object(http_camera_source, "_CHUNK_BYTES", 1000)
    waiting = b"".join(map(picture, range(1, 6)))
    assert len(waiting) < 1 << 15, "they fit into the socket"
    clients: list[socket.socket] = []

    def answer() -> None:
        clients.append(server.accept()[0])
        clients[0].recv(4096)
        head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n"
        clients[0].sendall(head + picture(0))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, daemon=True).start()
        source = HttpCameraSource(f"http://127.0.0.1:{server.getsockname()[1]}/stream")
        source.open(CameraConfig(), DAY)
        clients[0].sendall(waiting)
        shots = [source.read(), source.read()]
        clients[0].close()
        with pytest.raises(SourceError, match="ended the stream"):
            source.read()
        source.close()
    assert [shot.pixels.tobytes() for shot in shots] == [jpeg.decode(picture(n)).tobytes() for n in (0, 5)]
