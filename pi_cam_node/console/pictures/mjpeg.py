"""Parser of a node's MJPEG stream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from pi_cam_node.console.pictures.scaling import LiveFrame

FRAME_MAX_BYTES = 8 << 20
HEADERS_MAX = 32
_NUMBER = re.compile(rb"[0-9]{1,10}(\.[0-9]+)?")


async def frames_of(reader: asyncio.StreamReader, now_ms: int) -> AsyncIterator[LiveFrame]:
    """Yield the pictures of a stream until it ends.

    Args:
        reader: A stream reader; aiohttp's has the same methods.
        now_ms: Time of pictures without a timestamp.

    Raises:
        ValueError: It is no MJPEG stream, or a picture is too large.
        asyncio.IncompleteReadError: The stream ended within a picture.
    """
    while True:
        line = await reader.readline()
        if not line:
            return
        if not line.startswith(b"--"):
            continue
        headers = await _headers(reader)
        size = headers.get(b"content-length", b"")
        if not size.isdigit() or int(size) > FRAME_MAX_BYTES:
            raise ValueError("a part of the stream has no length, or is too large")
        jpeg = await reader.readexactly(int(size))
        taken = headers.get(b"x-timestamp", b"")
        at_ms = round(float(taken) * 1000) if _NUMBER.fullmatch(taken) else now_ms
        # The placeholder that a node sends while it has no picture has no frame number.
        if b"x-frame-id" in headers:
            yield LiveFrame(jpeg, at_ms)


async def _headers(reader: asyncio.StreamReader) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    while line := (await reader.readline()).strip():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
        if len(headers) > HEADERS_MAX:
            raise ValueError("a part of the stream has too many headers")
    return headers
