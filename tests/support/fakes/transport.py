"""A transport to a viewer that accepts data only when the test allows it."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp.abc import AbstractStreamWriter


class FakeTransport(asyncio.WriteTransport):
    """Transport that collects written data, which stays in the buffer while ``is_full``."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_full = False
        self.aborted = False
        self._buffered_bytes = 0
        self._closing = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))
        if self.is_full:
            self._buffered_bytes += len(data)

    def get_write_buffer_size(self) -> int:
        return self._buffered_bytes

    def get_protocol(self) -> asyncio.BaseProtocol:
        return asyncio.Protocol()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        self.aborted = self._closing = True

    def take_everything(self) -> None:
        self.is_full, self._buffered_bytes = False, 0

    def break_off(self) -> None:
        self._closing = True


class FakeWriter(AbstractStreamWriter):
    """Writer whose `drain` returns when the test allows it."""

    def __init__(self) -> None:
        self.drained = asyncio.Event()

    async def drain(self) -> None:
        await self.drained.wait()

    async def write(self, chunk: Any, **_more: Any) -> None:
        raise AssertionError("parts go straight to the transport")

    async def write_eof(self, chunk: bytes = b"") -> None: ...

    def enable_compression(self, *_how: Any, **_more: Any) -> None: ...

    def enable_chunking(self) -> None: ...

    async def write_headers(self, status_line: str, headers: Any) -> None: ...
