"""One client: its line, what the node says to it, and the end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pi_cam_node.base.errors import DeadlinePassed, NodeError
from pi_cam_node.core.events import FramesSent, Replied
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.tcp.line_reader import read_line
from pi_cam_node.tcp.timeouts import Timeouts

# The frames of the longest shortstream, what announces the reply, and the reply.
FACTS_WAITING = 1100
_LENGTH = struct.Struct(">I")
_PART_BYTES = 1 << 16


class Connection:
    """One connection, one line, one reply.

    The reply is the plain text of the contract and a newline. A ``shortstream`` is answered with frames, each after its
    length as four bytes, most significant first; then a length of zero, and the reply. A refused one has no
    frames, but the zero all the same: its client reads a length first.

    Args:
        number: Names it in what the node says.
        connection: What the client sends, and what it gets.
        submit: Puts the line of a conversation to the node; raises `Busy` where it cannot.
        patience: The deadlines.
        curtain: Ends the frames when it is closed.

    Attributes:
        task: In which it is held; the one that makes it.
        streams: The client wants frames.
        asked: The node has its line.
    """

    def __init__(
        self,
        number: str,
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        submit: Callable[[Connection, bytes], None],
        patience: Timeouts,
        curtain: PrivacyGate,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.number = number
        self.task: asyncio.Task[Any] = task
        self.streams = False
        self.asked = False
        self._reader, self._writer = connection
        self._submit = submit
        self._patience = patience
        self._curtain = curtain
        self._facts: asyncio.Queue[FramesSent | Replied] = asyncio.Queue(FACTS_WAITING)
        self._writer.transport.set_write_buffer_limits(0)  # so that what is drained has left the process

    async def hold(self) -> None:
        """Hold the conversation from the line to the end.

        Raises:
            OSError: The client is gone, or does not take what it asked for.
        """
        try:
            line = await read_line(self._reader, self._patience)
        except NodeError as error:
            await self.say(error.text)
        else:
            if line is not None:
                await self._answer(line)
        await self.part()

    def deliver(self, fact: FramesSent | Replied) -> None:
        """Take what the node says.

        Raises:
            asyncio.QueueFull: It says more than any command has to say.
        """
        self._facts.put_nowait(fact)

    async def say(self, text: str) -> None:
        """Write a reply."""
        await self._write(text.encode() + b"\n")

    async def part(self) -> None:
        """Say that this was all, and give the client time to close.

        Closing on input that nobody has read would reset the connection, and take the reply from the client.
        """
        self._writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.part_s):
                while await self._reader.read(_PART_BYTES):
                    continue

    def abort(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()

    async def _answer(self, line: bytes) -> None:
        self.streams = line.strip().partition(b" ")[0] == b"shortstream"
        times_closed = self._curtain.times_closed
        try:
            self._submit(self, line)
            self.asked = True
            text = await self._final(times_closed)
        except NodeError as error:
            text = error.text
        if self.streams:
            await self._write(_LENGTH.pack(0))
        await self.say(text)

    async def _final(self, times_closed: int) -> str:
        """Pass on frames until the final reply comes, and return its text.

        Raises:
            DeadlinePassed: It does not come.
            PrivacyOn: Privacy was switched on.
        """
        wait_s = self._patience.answer_s
        while True:
            fact = await self._next(wait_s)
            if isinstance(fact, FramesSent):
                self._curtain.check(times_closed)
                await self._write(_LENGTH.pack(len(fact.jpeg)) + fact.jpeg)
            elif fact.body["stage"] == "final":
                return str(fact.body["message"])
            else:
                wait_s = self._patience.work_s

    async def _next(self, wait_s: float) -> FramesSent | Replied:
        try:
            return await asyncio.wait_for(self._facts.get(), wait_s)
        except TimeoutError:
            raise DeadlinePassed(f"ERROR: the node did not answer within {wait_s:g} s") from None

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        try:
            await asyncio.wait_for(self._writer.drain(), self._patience.write_s)
        except TimeoutError:
            raise ConnectionAbortedError(f"it took nothing for {self._patience.write_s:g} s") from None
