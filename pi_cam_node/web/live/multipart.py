"""Parts of an MJPEG stream as bytes, compatible with strict and lenient parsers.

Every line ends in CRLF, Content-Length is exact, and the delimiter is on its own line, for parsers that use the length
(OpenCV, ffmpeg, GStreamer) as well as those that search for the delimiter (browsers, VLC).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.tasks import ImageTasks

BOUNDARY = "frame"
CONTENT_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
END = f"--{BOUNDARY}--\r\n".encode()
PLACEHOLDER_HEADERS = {"X-Placeholder": "1"}
PRIVATE_HEADERS = {"X-Placeholder": "privacy"}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part of the stream, shared by all viewers.

    Attributes:
        frame: Its frame; ``None`` for the placeholder.
        wire: Delimiter, headers and JPEG as bytes.
    """

    frame: Frame | None
    wire: bytes = field(repr=False)


@frozen
class Away:
    """State shown by the placeholder: size and time of the last frame, and whether privacy is on.

    Attributes:
        size: Width and height in pixels.
        since: Capture time of the last frame, UTC; ``None`` if unknown.
        private: Whether privacy is on (else the camera is unavailable).
    """

    size: tuple[int, int] = (640, 480)
    since: datetime | None = None
    private: bool = False


def picture_headers(seq: int, at: datetime) -> dict[str, str]:
    """Return the headers with a frame's number and capture time (UTC epoch seconds)."""
    return {"X-Frame-Id": str(seq), "X-Timestamp": f"{at.timestamp():.3f}"}


def frame_headers(frame: Frame) -> dict[str, str]:
    """Return the headers of a frame: number, time, brightness (0.0 to 255.0), and day or night."""
    return {
        **picture_headers(frame.seq, frame.captured_at),
        "X-Dark-Score": f"{frame.brightness:.1f}",
        "X-Night": str(int(frame.mode == "night")),
    }


def enclose(jpeg: bytes, headers: Mapping[str, str]) -> bytes:
    """Return one part: delimiter, headers, JPEG, and the CRLF of the next delimiter."""
    lines = [f"--{BOUNDARY}", "Content-Type: image/jpeg", f"Content-Length: {len(jpeg)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return b"".join(("\r\n".join(lines).encode("ascii"), b"\r\n\r\n", jpeg, b"\r\n"))


def part_of(frame: Frame) -> Part:
    """Return a frame as a part."""
    return Part(frame, enclose(frame.jpeg, frame_headers(frame)))


def placeholder_of(away: Away, images: ImageTasks) -> Part:
    """Return the placeholder shown while there is no live picture, as a part marked by a header.

    Thread: any but the event loop's.
    """
    headers = PRIVATE_HEADERS if away.private else PLACEHOLDER_HEADERS
    return Part(None, enclose(images.placeholder(away.size, away.since, private=away.private), headers))
