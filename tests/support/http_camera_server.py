"""A network camera on loopback: MJPEG stream, snapshots, and login with one or several challenges."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import itertools
import re
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np
from PIL import ExifTags, Image

USER, PASSWORD = "cam", "canary/secret"
_NONCE = "0123456789abcdef"

Login = Literal["", "basic", "digest", "sha-256", "several"]
_DIGEST = f'Digest realm="c", nonce="{_NONCE}", qop="auth"'
_SHA_256 = f'Digest realm="a, c", nonce="{_NONCE}", qop="auth-int, auth", opaque="x", algorithm=SHA-256'
_CHALLENGES: dict[Login, list[str]] = {
    "basic": ['Basic realm="c"'],
    "digest": [_DIGEST],
    "sha-256": [_SHA_256, _DIGEST],
    "several": ["Negotiate", 'Bearer realm="c"', "basic realm=c"],
}
# Further content types of streams.
STREAM_KINDS = {
    "/stream": "multipart/x-mixed-replace; boundary=--wrong",
    "/mjpeg": "video/x-motion-jpeg",
    "/stream-without-a-kind": "",
    "/icy": "multipart/x-mixed-replace; boundary=frame",
    "/stream-with-a-length": "multipart/x-mixed-replace; boundary=frame",
}
# Content types and encodings of snapshots.
SNAPSHOT_KINDS = {
    "/snapshot.jpg": ("image/jpeg", ""),
    "/busy-now-and-then.jpg": ("image/jpeg", ""),
    "/phone.jpg": ("image/jpeg", ""),
    "/bytes.jpg": ("application/octet-stream", ""),
    "/gzip.jpg": ("image/jpeg", "gzip"),
    "/deflate.jpg": ("image/jpeg", "deflate"),
    "/no-length.jpg": ("image/jpeg", ""),
    "/no-length-gzip.jpg": ("image/jpeg", "gzip"),
    "/no-length-bytes.jpg": ("application/octet-stream", ""),
}
NOT_HTTP = {"/ssh": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "/silent": b""}
# Answers without a body.
STATUSES = {"/empty.jpg": 204, "/busy": 503, "/unchanged": 304}
# Bodies that are called JPEG, and are something else.
NO_JPEG = {
    "/snapshot.png": cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes(),
    "/snapshot.webp": cv2.imencode(".webp", np.zeros((2, 2, 3), np.uint8))[1].tobytes(),
    "/login.jpg": b"<html><body>Please log in</body></html>",
    "/text.jpg": b"camera offline",
}
MOVED = {"/moved": "/snapshot.jpg", "/moved-away": "ftp://127.0.0.1:9/picture.jpg", "/in-a-circle": "/in-a-circle"}


def picture(number: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """Return a JPEG that depends on the number."""
    pixels = np.full((size[1], size[0], 3), (40 * (number % 6), 20 + number * 7 % 200, 120), np.uint8)
    cv2.circle(pixels, (10 + number * 9 % (size[0] - 20), size[1] // 2), 9, (0, 0, 255), -1)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def phone_picture() -> bytes:
    """Return a JPEG of 48 x 32 to be rotated clockwise (EXIF 6), after which its top left corner is red."""
    shown = np.zeros((48, 32, 3), np.uint8)
    shown[:16, :8] = (255, 0, 0)
    exif, file = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(np.rot90(shown)).save(file, "JPEG", exif=exif)
    return file.getvalue()


# Answers that have no end, by the bytes of the head and those that are sent again and again, and the pause in seconds.
ENDLESS = {
    "/endless.jpg": (b"Content-Type: image/jpeg\r\n\r\n", picture(1), 0.05),
    "/endless-slow.jpg": (b"Content-Type: image/jpeg\r\n\r\n", picture(1), 1.5),
    "/endless-head": (b"X-Head: ", b"x", 0.1),
    "/endless-bytes.jpg": (b"Content-Type: image/jpeg\r\n\r\n", b"\xff", 0.1),
    "/endless-part": (b"Content-Type: multipart/x-mixed-replace\r\n\r\n", b"\xff", 0.1),
    "/endless-chunk": (b"Content-Type: multipart/x-mixed-replace\r\nTransfer-Encoding: chunked\r\n\r\n", b"0", 0.1),
    "/endless-redirect": (b"Location: /snapshot.jpg\r\n\r\n", bytes(1 << 16), 0.0),
}


class _Handler(BaseHTTPRequestHandler):
    login: ClassVar[Login] = ""
    fps: ClassVar[float] = 20.0
    bad_every: ClassVar[int] = 0
    frames: ClassVar[int] = 1_000_000
    requests: ClassVar[Iterator[int]] = itertools.count()
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        if not self._may():
            self.send_response(401)
            for challenge in _CHALLENGES[self.login]:
                self.send_header("WWW-Authenticate", challenge)
            self.end_headers()
        elif self.path in MOVED:
            self.send_response(302)
            self.send_header("Location", MOVED[self.path])
            self.end_headers()
        elif self.path in SNAPSHOT_KINDS:
            self._snapshot()
        elif self.path in STATUSES:
            self.send_response(STATUSES[self.path])
            self.end_headers()
        elif self.path in NO_JPEG:
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            self.wfile.write(NO_JPEG[self.path])
        elif self.path in ENDLESS:
            self._endless()
        elif self.path in NOT_HTTP:
            self.wfile.write(NOT_HTTP[self.path])
        elif self.path in STREAM_KINDS:
            self._stream()
        else:
            self.send_response(200 if self.path == "/page" else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

    def _snapshot(self) -> None:
        if self.path == "/busy-now-and-then.jpg" and next(self.requests) % 3 == 2:
            self.send_response(503)
            self.end_headers()
            return
        kind, encoding = SNAPSHOT_KINDS[self.path]
        data = phone_picture() if self.path == "/phone.jpg" else picture(int(time.monotonic() * self.fps))
        if encoding:
            data = gzip.compress(data) if encoding == "gzip" else zlib.compress(data)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if not self.path.startswith("/no-length"):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _endless(self) -> None:
        head, again, pause_s = ENDLESS[self.path]
        status = b"HTTP/1.1 302 Found\r\n" if self.path == "/endless-redirect" else b"HTTP/1.1 200 OK\r\n"
        try:
            self.wfile.write(status + head)
            while True:
                self.wfile.write(again)
                time.sleep(pause_s)
        except OSError:
            return

    def _stream(self) -> None:
        if self.path == "/icy":
            self.wfile.write(b"IC")
            time.sleep(0.05)  # in two packets
            self.wfile.write(b"Y 200 OK\r\n")
        else:
            self.send_response(200)
        if STREAM_KINDS[self.path]:
            self.send_header("Content-Type", STREAM_KINDS[self.path])
        if self.path == "/stream-with-a-length":
            self.send_header("Content-Length", "10")
        self.end_headers()
        for number in range(self.frames):
            data = picture(number)
            if self.bad_every and number % self.bad_every == self.bad_every - 1:
                data = data[: len(data) // 2] if number % 2 else picture(number, (160, 120))
            try:
                self.wfile.write(b"\n--frame\nContent-Type: image/jpeg\nContent-Length: 10\n\n" + data)
            except OSError:
                return
            time.sleep(1 / self.fps)

    def _may(self) -> bool:
        told = self.headers.get("Authorization", "")
        if self.login in ("basic", "several"):
            return told == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return not self.login or self._digest_is_right(told)

    def _digest_is_right(self, told: str) -> bool:
        if not told.startswith("Digest "):
            return False
        fields = {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,]*)', told[7:])}
        is_new = self.login == "sha-256"
        if (fields.get("algorithm"), fields.get("opaque")) != (("SHA-256", "x") if is_new else (None, None)):
            return False

        def digest(text: str) -> str:
            return hashlib.new("sha256" if is_new else "md5", text.encode(), usedforsecurity=False).hexdigest()

        realm = "a, c" if is_new else "c"
        first, second = digest(f"{USER}:{realm}:{PASSWORD}"), digest(f"GET:{fields['uri']}")
        middle = ":".join((fields["nonce"], fields["nc"], fields["cnonce"], fields["qop"]))
        return str(fields["response"]) == digest(f"{first}:{middle}:{second}")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def http_camera(
    path: str,
    login: Login = "",
    *,
    fps: float = 20.0,
    bad_every: int = 0,
    frames: int = 1_000_000,
    tls: tuple[Path, Path] | None = None,
) -> Iterator[str]:
    """Run the server within the block, with a certificate and its key or without; yield its address with the login."""
    fields = {"login": login, "fps": fps, "bad_every": bad_every, "frames": frames, "requests": itertools.count()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), fields))
    server.daemon_threads = True
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    who = f"{USER}:{PASSWORD.replace('/', '%2F')}@" if login else ""
    try:
        yield f"http{'s' * bool(tls)}://{who}127.0.0.1:{server.server_address[1]}{path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
