"""Parts of an MJPEG stream as bytes, framed so that strict and careless readers both find their way.

Every line ends in CRLF, the length is true, and the delimiter stands on a line of its own. A reader
that counts (OpenCV, ffmpeg, GStreamer) and one that searches for the delimiter (browsers, VLC) see
the same picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pi_cam_node.imaging.frame import Frame

BOUNDARY = "frame"
CONTENT_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
END = f"--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part of the stream, made once and sent to every viewer.

    Attributes:
        frame: What it shows; ``None`` for the placeholder.
        wire: Delimiter, headers and JPEG as they go out.
    """

    frame: Frame | None
    wire: bytes = field(repr=False)


def picture_headers(seq: int, at: datetime) -> dict[str, str]:
    """Return the headers that name a frame: its number, and the UTC epoch second of its capture."""
    return {"X-Frame-Id": str(seq), "X-Timestamp": f"{at.timestamp():.3f}"}


def frame_headers(frame: Frame) -> dict[str, str]:
    """Return the headers of a frame: number, time, brightness (0.0 to 255.0), and day or night."""
    return {
        **picture_headers(frame.seq, frame.captured_at),
        "X-Dark-Score": f"{frame.brightness:.1f}",
        "X-Night": str(int(frame.mode == "night")),
    }


def enclose(jpeg: bytes, headers: Mapping[str, str]) -> bytes:
    """Return one part: delimiter, headers, JPEG, and the end of line that belongs to the next delimiter."""
    lines = [f"--{BOUNDARY}", "Content-Type: image/jpeg", f"Content-Length: {len(jpeg)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return b"".join(("\r\n".join(lines).encode("ascii"), b"\r\n\r\n", jpeg, b"\r\n"))


def part_of(frame: Frame) -> Part:
    """Return a frame as a part."""
    return Part(frame, enclose(frame.jpeg, frame_headers(frame)))
