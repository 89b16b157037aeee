"""Network camera over HTTP: an MJPEG stream or a snapshot address.

Examples: ESP32-CAM, mjpg-streamer, OctoPi, motion, phones, and the snapshot address of most cameras. The camera sets
size, quality and exposure, and gives the orientation in EXIF; `camera.framerate` limits how many of its pictures are
used, and how often a snapshot is requested.
"""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable
from contextlib import suppress

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.redaction import without_logins
from pi_cam_node.camera.source import LOGIN_ADVICE, BadImage, CameraSettings, Controls, Opened, Shot
from pi_cam_node.camera.sources.http_connection import Deadline, HttpHandler, HttpsHandler, RedirectHandler, Response
from pi_cam_node.camera.sources.http_login import LoginHandler
from pi_cam_node.camera.sources.jpeg_stream import MAX_JPEG_BYTES, JpegSplitter
from pi_cam_node.camera.sources.pacing import Metronome
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame_timing import RateLimit
from pi_cam_node.imaging.headers import exif_orientation
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.orientation import OF_EXIF

# Longest time for an answer, redirects and login included, and for each picture; longer than the frame interval of a
# camera with one picture per second.
TIMEOUT_S = 8.0
# So many pictures in an answer without a length are a stream; two may be those of one file (MPO).
_STREAM_PICTURES = 3
_CHUNK_BYTES = 65_536
# Of a camera that is faster than this machine, megabytes and seconds of pictures wait in the socket. Limited, as it may
# send faster than they are read.
_WAITING_CHUNKS_MAX = 256
# Prefixes of accepted content types; a response without one counts as text/plain.
_PICTURES = ("image/", "multipart/", "video/", "application/octet-stream", "text/plain")
# Characters of an unexpected response that are shown in the error.
_LINE_MAX = 40
_SOI = b"\xff\xd8"
# Value of zlib's ``wbits``: detect a gzip or zlib header.
_ANY_ZLIB_HEADER = 47
# Names of what comes instead of a JPEG, by its first bytes.
_OTHERS = {b"\x89PNG": "a PNG", b"RIFF": "a WebP", b"GIF8": "a GIF", b"BM": "a BMP", b"<": "a web page"}
_LOOK = "open the address in a browser to see what it sends"
_CHOOSE_JPEG = "choose JPEG (for a stream MJPEG) in its settings, or another of its addresses"
_UNTRUSTED = "write http:// instead, or name a file with its certificate in the environment variable SSL_CERT_FILE"
_ADVICE = {
    304: "it has nothing new, though all was asked for; restart it",
    401: LOGIN_ADVICE,
    403: "it refuses the login, or this address",
    404: "it has no such address; its manual or web page tells the one of the stream",
}
_BUSY = "it does not serve it now: end other programs that watch it, as it may allow no more, or restart it"
_MOVED = "it sends on to where nothing can be read; open it in a browser, and take the address that is shown at last"


class HttpCameraSource:
    """One MJPEG stream or snapshot address."""

    def __init__(self, url: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Set the address, ``http[s]://[user:password@]host[:port]/path``."""
        self._title = without_logins(url)
        self._monotonic, self._deadline = monotonic, Deadline(monotonic)
        self._url, self._opener = _opener_of(url, self._deadline)
        self._response: Response | None = None
        self._splitter: JpegSplitter | None = None
        self._first: Pixels | None = None
        self._controls: Controls | None = None
        self._size = (0, 0)
        self._limit, self._metronome = RateLimit(), Metronome()

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Connect, and read the first picture to determine the size."""
        del camera  # a network camera sets its own size
        self.close()
        self._controls, self._limit = controls, RateLimit()
        self._metronome.restart()
        response = self._ask()
        kind = response.headers.get_content_type()
        if not kind.startswith(_PICTURES):
            response.close()
            raise SourceError(f"{self._title} answers with {kind}, not with pictures; {_LOOK}")
        is_short = response.length is not None and response.length <= MAX_JPEG_BYTES
        if kind.startswith("multipart/"):
            response.length = None  # some tell that of one picture
            self._response, self._splitter = response, JpegSplitter()
            first = self._newest()
        else:
            first = self._snapshot(response) if is_short else self._first_of(response)
        self._first = self._decoded(first)
        self._size = jpeg.size_of(self._first, "bgr")
        return Opened(self._title, self._size, "bgr", controls=False)

    def read(self) -> Shot:
        """Return the next picture within the frame rate."""
        if self._controls is None or not self._size[0]:
            raise SourceError(f"{self._title} is not open")
        interval_s = 1 / self._controls.framerate
        first, self._first = self._first, None
        if first is not None:
            return self._shot(first, interval_s)
        if self._splitter is None:
            self._metronome.wait(interval_s)
            return self._shot(self._checked(self._next_snapshot()), interval_s)
        data = self._newest()
        while not self._limit.admits(self._monotonic(), interval_s):
            data = self._newest()
        return self._shot(self._checked(data), interval_s)

    def apply(self, controls: Controls) -> None:
        """Apply frame rate and mode; the mode is only a label."""
        self._controls = controls

    def close(self) -> None:
        """Disconnect."""
        response, self._response = self._response, None
        self._splitter = self._first = None
        self._size = (0, 0)
        if response is not None:
            response.close()

    def _shot(self, pixels: Pixels, interval_s: float) -> Shot:
        moment = self._monotonic()
        return Shot(pixels, moment - interval_s, moment, "day" if self._controls is None else self._controls.mode)

    def _ask(self) -> Response:
        """Send the request.

        Raises:
            SourceError: The camera does not respond, or refuses the request.
        """
        # A new object each time, because urllib counts redirects per request and allows four.
        request = urllib.request.Request(self._url, headers={"User-Agent": "pi_cam_node", "Accept": "*/*"})  # noqa: S310 - http and https alone, see `catalogue`
        self._deadline.set(TIMEOUT_S)
        try:
            response: Response = self._opener.open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            error.close()
            advice = _ADVICE.get(error.code, _MOVED if error.code < http.client.BAD_REQUEST else _BUSY)
            raise SourceError(f"{self._title} answers {error.code}: {advice}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, http.client.BadStatusLine) and not isinstance(error, OSError):
                line = str(error.args[0]).strip()[:_LINE_MAX]
                raise SourceError(f"{self._title} is no HTTP server: it answers {line!r}; check the port") from None
            cause = getattr(error, "reason", error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = f"its certificate is not trusted: {cause.verify_message}"
                raise SourceError(f"{self._title}: {why}; {_UNTRUSTED}") from None
            raise SourceError(
                f"{self._title} cannot be reached: {_one_line(cause)}; check host, port and path"
            ) from None
        return response

    def _next_snapshot(self) -> bytes:
        """Request the next picture; one that is refused costs itself alone, as cameras refuse some while busy."""
        try:
            return self._snapshot(self._ask())
        except SourceError as error:
            raise BadImage(str(error)) from None

    def _snapshot(self, response: Response) -> bytes:
        self._deadline.set(TIMEOUT_S)
        try:
            with response:
                data = response.read(MAX_JPEG_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"{self._title} broke off: {error}") from None
        return self._whole(data, response)

    def _first_of(self, response: Response) -> bytes:
        """Return the first picture of an answer without a length: a snapshot if it ends, a stream if pictures follow.

        Its content type does not tell, as some cameras send streams as ``image/jpeg``.
        """
        self._deadline.set(TIMEOUT_S)
        splitter, pictures, data = JpegSplitter(), list[bytes](), bytearray()
        try:
            while len(pictures) < _STREAM_PICTURES and len(data) <= MAX_JPEG_BYTES:
                chunk = response.read1(_CHUNK_BYTES)
                if not chunk:
                    response.close()
                    return self._whole(bytes(data), response)
                data += chunk
                pictures += splitter.feed(chunk)
        except (OSError, http.client.HTTPException) as error:
            if not pictures or not isinstance(error, TimeoutError):
                response.close()
                raise SourceError(f"{self._title} broke off: {error or type(error).__name__}") from None
        if not pictures:
            response.close()
            raise BadImage(f"{self._title}: no picture within {MAX_JPEG_BYTES >> 20} MiB; {_LOOK}")
        self._response, self._splitter = response, splitter
        return pictures[-1]

    def _whole(self, data: bytes, response: Response) -> bytes:
        """Return the picture of a snapshot, decompressed."""
        data = _unpacked(data, response.headers.get("Content-Encoding", ""), self._title)
        if len(data) > MAX_JPEG_BYTES:
            raise BadImage(f"{self._title}: a picture of more than {MAX_JPEG_BYTES >> 20} MiB; choose a smaller one")
        return data

    def _newest(self) -> bytes:
        """Return the newest received picture; wait if there is none.

        Raises:
            SourceError: No picture arrives.
        """
        self._deadline.set(TIMEOUT_S)
        pictures: list[bytes] = []
        while not pictures:
            pictures = self._received()
        with suppress(SourceError):  # raised by the next call instead, as there is a picture
            for _ in range(_WAITING_CHUNKS_MAX):
                if self._response is None or not self._response.has_more:
                    break
                pictures = self._received() or pictures
        return pictures[-1]

    def _received(self) -> list[bytes]:
        """Read what was received, or wait for it; return the pictures that it completed."""
        if self._response is None or self._splitter is None:
            raise SourceError(f"{self._title} is not open")
        try:
            chunk = self._response.read1(_CHUNK_BYTES)
        except TimeoutError:
            told = f"none came within {TIMEOUT_S:g} s; {_LOOK}"
            raise SourceError(f"{self._title} sends no pictures: {told}") from None
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"{self._title} sends no more pictures: {error or type(error).__name__}") from None
        if not chunk:
            raise SourceError(f"{self._title} ended the stream")
        return self._splitter.feed(chunk)

    def _decoded(self, data: bytes) -> Pixels:
        if not data:
            raise BadImage(f"{self._title}: an empty answer came instead of a picture; restart the camera")
        if data[:2] != _SOI:
            other = next((name for begin, name in _OTHERS.items() if data.startswith(begin)), f"no JPEG ({data[:4]!r})")
            raise BadImage(f"{self._title} sends {other}, and nothing but JPEG is read; {_CHOOSE_JPEG}")
        try:
            return OF_EXIF[exif_orientation(data)].apply(jpeg.decode(data), "bgr")
        except ValueError as error:
            raise BadImage(f"{self._title}: a picture cannot be decoded: {error}; {_LOOK}") from None

    def _checked(self, data: bytes) -> Pixels:
        pixels = self._decoded(data)
        size = jpeg.size_of(pixels, "bgr")
        if size != self._size:
            raise BadImage(f"{self._title}: a picture of {size[0]} x {size[1]} came instead of {self._size}")
        return pixels


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


def _unpacked(data: bytes, encoding: str, title: str) -> bytes:
    """Decompress a body that the server compressed unasked, up to the maximum size of a picture."""
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        return data
    try:
        return zlib.decompressobj(_ANY_ZLIB_HEADER).decompress(data, MAX_JPEG_BYTES + 1)
    except zlib.error as error:
        raise BadImage(f"{title}: its {encoding} cannot be unpacked: {error}") from None


def _opener_of(url: str, deadline: Deadline) -> tuple[str, urllib.request.OpenerDirector]:
    """Return the address without the login, and an opener that sends the login by Basic or Digest authentication."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    bare = urllib.parse.urlunsplit((parts.scheme.lower(), host, parts.path or "/", parts.query, ""))
    opener = urllib.request.OpenerDirector()  # no proxies, and no redirects to other schemes
    for handler in (
        HttpHandler(deadline),
        HttpsHandler(deadline),
        urllib.request.HTTPDefaultErrorHandler(),
        RedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    if parts.username is not None:
        user, password = urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        opener.add_handler(LoginHandler(bare, user, password))
    return bare, opener
