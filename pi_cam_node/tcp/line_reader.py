"""The one line that a client sends."""

from __future__ import annotations

import asyncio

from pi_cam_node.base.errors import BadRequest, DeadlinePassed
from pi_cam_node.core.commands.parsing import MAX_PAYLOAD_BYTES
from pi_cam_node.tcp.timeouts import Timeouts

_CHUNK_BYTES = 4096


async def read_line(reader: asyncio.StreamReader, patience: Timeouts) -> bytes | None:
    """Return the first line without its end; ``None`` where the client left without a word.

    The line ends at a newline, at the end of the input, or after a short silence. What follows a newline is not
    looked at: one connection carries one command, so a web page that posts to the port commands nothing.

    Raises:
        BadRequest: It is too long.
        DeadlinePassed: It was not whole in time.
    """
    try:
        async with asyncio.timeout(patience.line_s):
            text = await _read(reader, patience.silence_s)
    except TimeoutError:
        raise DeadlinePassed(f"ERROR: no whole command came within {patience.line_s:g} s") from None
    line, newline, _rest = text.partition(b"\n")
    if len(line) > MAX_PAYLOAD_BYTES:
        raise BadRequest(f"ERROR: the command is longer than {MAX_PAYLOAD_BYTES} bytes")
    return line if newline or line else None


async def _read(reader: asyncio.StreamReader, silence_s: float) -> bytes:
    """Return what came up to the first newline and a little more, or up to where nothing follows."""
    text = bytearray()
    while chunk := await _chunk(reader, silence_s if text else None):
        text += chunk
        if b"\n" in chunk or len(text) > MAX_PAYLOAD_BYTES:
            break
    return bytes(text)


async def _chunk(reader: asyncio.StreamReader, wait_s: float | None) -> bytes:
    """Return what comes next; nothing at the end of the input, or where nothing comes in time."""
    try:
        return await asyncio.wait_for(reader.read(_CHUNK_BYTES), wait_s)
    except TimeoutError:
        return b""
