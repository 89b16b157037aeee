"""The stream of a node, taken apart."""

from __future__ import annotations

import asyncio

import pytest

from pi_cam_node.console.pictures.mjpeg import FRAME_MAX_BYTES, HEADERS_MAX, frames_of


def part(jpeg: bytes, **headers: object) -> bytes:
    told = {"Content-Length": len(jpeg), "X-Frame-Id": 1} | {key.replace("_", "-"): v for key, v in headers.items()}
    lines = "".join(f"{key}: {value}\r\n" for key, value in told.items())
    return f"--frame\r\n{lines}\r\n".encode() + jpeg + b"\r\n"


def read(stream: bytes) -> list[tuple[bytes, int]]:
    async def run() -> list[tuple[bytes, int]]:
        reader = asyncio.StreamReader()
        reader.feed_data(stream)
        reader.feed_eof()
        return [(frame.jpeg, frame.at_ms) async for frame in frames_of(reader, 7)]

    return asyncio.run(run())


def test_pictures_come_with_their_times() -> None:
    assert read(part(b"one", X_Timestamp="1.5") + part(b"two")) == [(b"one", 1500), (b"two", 7)]


@pytest.mark.parametrize(
    "odd",
    [
        part(b"", **{f"X_{number}": "much" for number in range(HEADERS_MAX)}),
        part(b"", Content_Length=FRAME_MAX_BYTES + 1),
        part(b"", Content_Length="-1"),
    ],
)
def test_what_is_too_much_ends_the_stream(odd: bytes) -> None:
    with pytest.raises(ValueError, match="a part of the stream"):
        read(part(b"one") + odd)
