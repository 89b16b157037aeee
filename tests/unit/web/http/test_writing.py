"""Timeouts of writes to slow clients."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from pi_cam_node.web.http import writing

STALL_S = 0.02


class FakeTransport:
    """A transport whose client reads bytes on request of the test."""

    def __init__(self, unsent_bytes: int) -> None:
        self.unsent_bytes = unsent_bytes
        self.is_aborted = False
        self.taken = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def get_protocol(self) -> None:
        return None

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True
        self.taken.set()

    async def write(self) -> None:
        """Wait until all is taken, as a write does with buffer limits of 0."""
        if self.unsent_bytes:
            await self.taken.wait()
        if self.is_aborted:
            raise ConnectionResetError("the client has gone")


def flush(transport: FakeTransport) -> asyncio.Future[None]:
    return asyncio.ensure_future(writing.flushed(cast("asyncio.WriteTransport", transport), transport.write()))


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "STALL_S", STALL_S)


def test_a_write_that_is_done_at_once_is_not_looked_at_later() -> None:
    async def run() -> FakeTransport:
        transport = FakeTransport(0)
        await flush(transport)
        await asyncio.sleep(2 * STALL_S)
        return transport

    assert not asyncio.run(run()).is_aborted


def test_a_client_that_takes_nothing_is_cut_off() -> None:
    async def run() -> FakeTransport:
        transport = FakeTransport(1000)
        with pytest.raises(ConnectionAbortedError, match="took nothing"):
            await flush(transport)
        return transport

    assert asyncio.run(run()).is_aborted


def test_a_client_that_takes_something_is_waited_for() -> None:
    async def run() -> FakeTransport:
        transport = FakeTransport(1000)
        flushing = flush(transport)
        for _ in range(8):
            await asyncio.sleep(STALL_S / 2)
            transport.unsent_bytes -= 100
            assert not flushing.done()
        transport.unsent_bytes = 0
        transport.taken.set()
        await flushing
        return transport

    assert not asyncio.run(run()).is_aborted


def test_a_client_that_goes_by_itself_was_not_cut_off() -> None:
    async def run() -> None:
        transport = FakeTransport(1000)
        flushing = flush(transport)
        await asyncio.sleep(0)
        transport.abort()
        with pytest.raises(ConnectionResetError, match="has gone"):
            await flushing

    asyncio.run(run())


def test_who_waits_for_a_client_can_be_ended() -> None:
    async def run() -> FakeTransport:
        transport = FakeTransport(1000)
        flushing = flush(transport)
        await asyncio.sleep(0)
        flushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flushing
        await asyncio.sleep(2 * STALL_S)
        return transport

    assert not asyncio.run(run()).is_aborted
