"""Multipart format, read by a strict parser."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from pi_cam_node.imaging.frame import Frame, Mode
from pi_cam_node.web.live.multipart import BOUNDARY, CONTENT_TYPE, END, enclose, part_of
from tests.support.frames import frame_of

JPEG = b"\xff\xd8 picture with \r\n--frame inside \xff\xd9"


def frame(mode: Mode = "day", level: int = 7) -> Frame:
    at = datetime(2026, 11, 20, 19, 45, 1, 123_456, tzinfo=UTC)
    return frame_of(np.full((48, 64, 3), level, np.uint8), 42, 10.1, at, mode=mode)


def taken_apart(wire: bytes) -> tuple[bytes, list[tuple[str, str]], bytes]:
    """Return delimiter line, headers and the rest; by the book: every line ends in CRLF."""
    head, _, rest = wire.partition(b"\r\n\r\n")
    delimiter, *lines = head.split(b"\r\n")
    assert b"\n" not in b"".join([delimiter, *lines])
    return delimiter, [tuple(line.decode("ascii").split(": ", 1)) for line in lines], rest  # type: ignore[misc]


def test_a_part_is_delimiter_headers_picture_and_a_line_end() -> None:
    delimiter, headers, rest = taken_apart(enclose(JPEG, {"X-Placeholder": "1"}))
    assert delimiter == b"--frame"
    assert headers == [("Content-Type", "image/jpeg"), ("Content-Length", str(len(JPEG))), ("X-Placeholder", "1")]
    assert rest == JPEG + b"\r\n"


def test_a_frame_is_described_in_the_contracted_headers() -> None:
    _, headers, rest = taken_apart(part_of(frame()).wire)
    named = dict(headers)
    assert len(named) == len(headers)
    assert named["X-Frame-Id"] == "42"
    assert named["X-Timestamp"] == "1795203901.123"
    assert named["X-Dark-Score"] == "7.0"
    assert named["X-Night"] == "0"
    assert int(named["Content-Length"]) == len(rest) - 2


def test_night_is_said_of_a_frame_taken_at_night() -> None:
    assert dict(taken_apart(part_of(frame("night")).wire)[1])["X-Night"] == "1"


@pytest.mark.parametrize("level", [0, 255])
def test_the_dark_score_has_one_decimal(level: int) -> None:
    assert dict(taken_apart(part_of(frame(level=level)).wire)[1])["X-Dark-Score"] == f"{level}.0"


def test_a_part_holds_the_jpeg_that_the_frame_shares_with_the_ring() -> None:
    shared = frame()
    assert shared.jpeg in part_of(shared).wire


def test_the_boundary_that_is_declared_is_the_one_that_is_used() -> None:
    assert CONTENT_TYPE.endswith(f"boundary={BOUNDARY}")
    assert END.decode() == f"--{BOUNDARY}--\r\n"
