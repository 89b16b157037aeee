"""A connection of the text port, without a socket."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.tcp.connection import Connection, Timeouts
from tests.fuzz.command_harness import CommandHarness
from tests.fuzz.event_loop import new_loop

TIMEOUTS = Timeouts(line_s=1.0, silence_s=0.05, answer_s=1.0, work_s=1.0, write_s=1.0, linger_s=0.05)


class MemoryWriter:
    """Stream writer that collects what is written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.transport = self

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        return

    def write_eof(self) -> None:
        return

    def abort(self) -> None:
        return

    def set_write_buffer_limits(self, *_limits: int) -> None:
        return


class TcpHarness:
    """Connections to a node that answers at once."""

    _shared: ClassVar[TcpHarness | None] = None

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self._loop = new_loop(self.failures)

    @classmethod
    def shared(cls) -> TcpHarness:
        """Return the harness in use."""
        cls._shared = cls._shared or cls()
        return cls._shared

    def talk(self, data: bytes) -> None:
        """Let a client send these pieces and close its side."""
        written = self._loop.run_until_complete(self._talk(data.split(b"\0")))
        if self.failures:
            raise AssertionError("nobody caught it") from self.failures.pop()
        if written:
            text = written[written.rfind(b"\0\0\0\0") + 4 :] if written[:1] in (b"\0", b"\xff") else written
            assert text.endswith(b"\n"), written[:200]
            text.decode()

    async def _talk(self, pieces: list[bytes]) -> bytes:
        reader, writer = asyncio.StreamReader(), MemoryWriter()
        connection: Any = (reader, writer)
        served = Connection("1", connection, self._submit, TIMEOUTS, PrivacyGate())
        for piece in pieces:
            reader.feed_data(piece)
        reader.feed_eof()
        await served.serve()
        return bytes(writer.written)

    def _submit(self, served: Connection, line: bytes) -> None:
        harness = CommandHarness.shared()
        arrival = CommandArrived("", line, harness.world.clock.monotonic(), reply_to="1", origin="tcp")
        for fact in harness.facts(arrival):
            served.put(fact)
