"""One client of the text port: one line in, one reply out."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pi_cam_node.base.errors import BadRequest, DeadlinePassed, NodeError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.commands.parsing import MAX_PAYLOAD_BYTES, verb_of
from pi_cam_node.core.events import FramesSent, Replied
from pi_cam_node.core.privacy_gate import PrivacyGate

# Greatest number of queued answers: frames of the longest shortstream, `accepted`, and the reply.
EVENTS_WAITING = 1100
_LENGTH = struct.Struct(">I")
_CHUNK_BYTES = 4096
_LINGER_BYTES = 1 << 16


@frozen
class Timeouts:
    """Deadlines, in seconds.

    Attributes:
        line_s: For receiving the whole line.
        silence_s: A line without newline ends this long after its last byte, as old clients send none.
        answer_s: For the first answer of the node.
        work_s: For the final answer, longer than all deadlines of the node; the longest is that of a picture with an
            exposure of 200 s right after a switch to night.
        write_s: For the client to read written data.
        linger_s: For the client to close after the reply.
        bind_s: Pause before another attempt to bind the port.
    """

    line_s: float = 10.0
    silence_s: float = 0.2
    answer_s: float = 10.0
    work_s: float = 3600.0
    write_s: float = 10.0
    linger_s: float = 1.0
    bind_s: float = 10.0


class Connection:
    """One connection, one line, one reply.

    The reply is the plain text of the contract and a newline. A ``shortstream`` is answered with frames, each preceded
    by its length as four bytes, big-endian; then a length of zero, and the reply. A refused one has the zero, too,
    since its client reads a length first.

    Args:
        name: Id of the connection in the node's replies.
        streams: Reader and writer of the connection.
        submit: Sends the line to the node; raises `Busy`.
        timeouts: The deadlines.
        gate: Privacy gate, which aborts frames.

    Attributes:
        task: The task that created and serves it.
        wants_frames: Whether the client sent ``shortstream``.
        is_submitted: Whether the line was sent to the node.
    """

    def __init__(
        self,
        name: str,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        submit: Callable[[Connection, bytes], None],
        timeouts: Timeouts,
        gate: PrivacyGate,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.name = name
        self.task: asyncio.Task[Any] = task
        self.wants_frames = False
        self.is_submitted = False
        self._reader, self._writer = streams
        self._submit = submit
        self._timeouts = timeouts
        self._gate = gate
        self._events: asyncio.Queue[FramesSent | Replied] = asyncio.Queue(EVENTS_WAITING)
        self._writer.transport.set_write_buffer_limits(0)  # so that drained data has left the process

    async def serve(self) -> None:
        """Read the line, answer it, and close.

        Raises:
            OSError: The client disconnected, or does not read its reply.
        """
        try:
            line = await read_line(self._reader, self._timeouts)
        except NodeError as error:
            await self._write_line(error.text)
        else:
            if line is not None:
                await self._answer(line)
        await self._linger()

    async def refuse(self, text: str) -> None:
        """Reply without reading, and close.

        Raises:
            OSError: The client disconnected, or does not read.
        """
        await self._write_line(text)
        await self._linger()

    def put(self, event: FramesSent | Replied) -> None:
        """Queue an answer of the node.

        Raises:
            asyncio.QueueFull: There are more answers than any command has.
        """
        self._events.put_nowait(event)

    def abort(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()

    async def _answer(self, line: bytes) -> None:
        self.wants_frames = verb_of(line) == "shortstream"
        generation = self._gate.generation
        try:
            self._submit(self, line)
            self.is_submitted = True
            text = await self._reply(generation)
        except NodeError as error:
            text = error.text
        if self.wants_frames:
            await self._write(_LENGTH.pack(0))
        await self._write_line(text)

    async def _reply(self, generation: int) -> str:
        """Pass on frames until the final reply comes, and return its text.

        Raises:
            DeadlinePassed: No reply came in time.
            PrivacyOn: Privacy was switched on.
        """
        wait_s = self._timeouts.answer_s
        while True:
            try:
                event = await asyncio.wait_for(self._events.get(), wait_s)
            except TimeoutError:
                raise DeadlinePassed(f"ERROR: the node did not answer within {wait_s:g} s") from None
            if isinstance(event, FramesSent):
                self._gate.check(generation)
                await self._write(_LENGTH.pack(len(event.jpeg)) + event.jpeg)
            elif event.body["stage"] == "final":
                return str(event.body["message"])
            else:
                wait_s = self._timeouts.work_s

    async def _write_line(self, text: str) -> None:
        await self._write(text.encode("utf-8", "replace") + b"\n")

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        try:
            await asyncio.wait_for(self._writer.drain(), self._timeouts.write_s)
        except TimeoutError:
            raise ConnectionAbortedError(f"it took nothing for {self._timeouts.write_s:g} s") from None

    async def _linger(self) -> None:
        """Close the sending side, and give the client time to close its own.

        Closing with input unread would reset the connection, and the client would lose the reply.
        """
        self._writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeouts.linger_s):
                while await self._reader.read(_LINGER_BYTES):
                    continue


async def read_line(reader: asyncio.StreamReader, timeouts: Timeouts) -> bytes | None:
    """Return the first line without its end; ``None`` if the client closed without sending one.

    The line ends at a newline, at the end of the input, or after a short silence. Data after a newline is ignored: one
    connection has one command, so a web page that posts to the port cannot send one.

    Raises:
        BadRequest: The line is too long.
        DeadlinePassed: The line was not complete in time.
    """
    text, wait_s = bytearray(), None
    try:
        async with asyncio.timeout(timeouts.line_s):
            while chunk := await _chunk(reader, wait_s):
                text += chunk
                wait_s = timeouts.silence_s
                if b"\n" in chunk or len(text) > MAX_PAYLOAD_BYTES:
                    break
    except TimeoutError:
        raise DeadlinePassed(f"ERROR: no whole command came within {timeouts.line_s:g} s") from None
    line, newline, _rest = bytes(text).partition(b"\n")
    if len(line) > MAX_PAYLOAD_BYTES:
        raise BadRequest(f"ERROR: the command is longer than {MAX_PAYLOAD_BYTES} bytes")
    return line if newline or line else None


async def _chunk(reader: asyncio.StreamReader, wait_s: float | None) -> bytes:
    """Return the next bytes; empty at the end of the input, or after a timeout."""
    try:
        return await asyncio.wait_for(reader.read(_CHUNK_BYTES), wait_s)
    except TimeoutError:
        return b""
