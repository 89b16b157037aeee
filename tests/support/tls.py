"""TLS of a server, and a relay for plain-text clients."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.certificates import Authority

HOST = "127.0.0.1"


def tls_section(folder: Path) -> dict[str, object]:
    """Return the section ``http.tls`` with a certificate for ``localhost``."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program is not installed")
    cert, key = Authority(folder, "web-ca").issue("localhost")
    return {"enable": True, "cert": str(cert), "key": str(key)}


class TlsRelay:
    """A port that encrypts data of plain-text clients for a TLS server, keeping their addresses.

    This allows the same attacks over HTTP and HTTPS. Runs within a ``with`` block.

    Args:
        port: Port of the server.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._context = ssl.create_default_context()
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._ready, self._stopped = threading.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="tls relay", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._relay, HOST, 0, backlog=1024)
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        await self._stopped.wait()
        server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername")[0]
        try:
            there, back = await asyncio.open_connection(
                HOST, self._upstream, ssl=self._context, local_addr=(address, 0), ssl_handshake_timeout=20
            )
        except OSError:
            writer.transport.abort()
            return
        pumps = [asyncio.ensure_future(_pump(reader, back)), asyncio.ensure_future(_pump(there, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if not pumps[1].done():  # the client has finished sending, which TLS cannot signal without closing
                await asyncio.wait(pumps, timeout=0.2)
            writer.close()
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 5)
        finally:
            for pump in pumps:
                pump.cancel()
            for one in (writer, back):
                one.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.set_write_buffer_limits(0)
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
