"""Minimal MQTT 3.1.1 client for a thousand connections in one process: asyncio, QoS 0 and 1, a last will.

Packets as in the OASIS standard, version 3.1.1, section 3.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90, 0xC0
DISCONNECT, UNSUBSCRIBE, UNSUBACK = 0xE0, 0xA2, 0xB0
KEEPALIVE_S = 60
CONNECT_S = 60.0
# Timeout of acknowledgements, as a broker needs long for the subscriptions of a thousand new clients.
ACKNOWLEDGE_S = 180.0
RETAIN = 1

OnMessage = Callable[[str, bytes], None]


class Connection:
    """A connection to a broker on this machine.

    Args:
        port: Port of the broker.
        client_id: Unique among all connections.
        on_message: Called with topic and payload, in the event loop.
        will: Topic and payload of the retained last will.
    """

    def __init__(self, port: int, client_id: str, on_message: OnMessage, will: tuple[str, bytes] | None = None) -> None:
        self._port, self._client_id, self._will = port, client_id, will
        self._on_message = on_message
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._acknowledged = asyncio.Event()
        self._packet_id = 0

    async def open(self) -> None:
        """Connect.

        Raises:
            OSError: The broker is not reachable, or refuses the connection.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
                self._writer.write(connect_packet(self._client_id, KEEPALIVE_S, self._will))
                kind, body = await self._packet()
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            self.abort()
            raise ConnectionError(f"no answer to CONNECT: {error!r}") from None
        if kind != CONNACK or body[1]:
            raise ConnectionRefusedError(f"refused with {body[1:].hex()}")

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe, and wait for the acknowledgement; `run` must be running.

        Raises:
            TimeoutError: The broker does not acknowledge it.
            ConnectionResetError: The broker has ended the connection.
        """
        await self._request(SUBSCRIBE, b"".join(_text(one.encode()) + b"\1" for one in filters))

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """Unsubscribe, and wait for the acknowledgement; `run` must be running.

        Raises:
            TimeoutError: The broker does not acknowledge it.
            ConnectionResetError: The broker has ended the connection.
        """
        await self._request(UNSUBSCRIBE, b"".join(_text(one.encode()) for one in filters))

    async def _request(self, kind: int, filters: bytes) -> None:
        assert self._writer is not None
        self._acknowledged.clear()
        self._writer.write(_packet(kind, b"\0\1" + filters))
        try:
            async with asyncio.timeout(ACKNOWLEDGE_S):
                await self._acknowledged.wait()
        except TimeoutError:
            told = f"{self._client_id}: the broker acknowledges no subscription within {ACKNOWLEDGE_S:g} s"
            raise TimeoutError(told) from None
        if self._writer.is_closing():
            raise ConnectionResetError(f"{self._client_id}: the broker has ended the connection")

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0) -> None:
        """Publish; waits while the send buffer is full, but not for the acknowledgement.

        Raises:
            OSError: The connection has ended.
        """
        assert self._writer is not None
        if self._writer.is_closing():
            raise ConnectionResetError("the connection has ended")
        self._packet_id = self._packet_id % 0xFFFF + 1
        number = struct.pack(">H", self._packet_id) if qos else b""
        flags = (RETAIN if retain else 0) | qos << 1
        self._writer.write(_packet(PUBLISH | flags, _text(topic.encode()) + number + payload))
        await self._writer.drain()

    async def run(self) -> None:
        """Process received packets until the connection ends."""
        ping = asyncio.create_task(self._ping())
        try:
            while True:
                kind, body = await self._packet()
                if kind & 0xF0 == PUBLISH:
                    self._hear(kind, body)
                elif kind in {SUBACK, UNSUBACK}:
                    self._acknowledged.set()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            ping.cancel()
            self.abort()
            self._acknowledged.set()  # no more packets will arrive

    def close(self) -> None:
        """Disconnect; the broker drops the will."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.write(_packet(DISCONNECT, b""))
            self._writer.close()

    def abort(self) -> None:
        """Close the connection without a DISCONNECT."""
        if self._writer is not None:
            self._writer.transport.abort()

    def _hear(self, kind: int, body: bytes) -> None:
        size = struct.unpack_from(">H", body)[0]
        topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
        if kind & 0x06:
            assert self._writer is not None
            self._writer.write(_packet(PUBACK, rest[:2]))
            rest = rest[2:]
        self._on_message(topic, rest)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(KEEPALIVE_S / 2)
            assert self._writer is not None
            self._writer.write(_packet(PINGREQ, b""))

    async def _packet(self) -> tuple[int, bytes]:
        assert self._reader is not None
        kind = (await self._reader.readexactly(1))[0]
        size = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        return kind, await self._reader.readexactly(size)


def connect_packet(client_id: str, keepalive_s: int, will: tuple[str, bytes] | None) -> bytes:
    """Return a CONNECT of a clean session; the will has QoS 1 and is retained."""
    flags, payload = 0x02, _text(client_id.encode())
    if will is not None:
        flags |= 0x2C
        payload += _text(will[0].encode()) + _text(will[1])
    return _packet(CONNECT, _text(b"MQTT") + bytes([4, flags]) + struct.pack(">H", keepalive_s) + payload)


def _packet(kind: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while True:
        size, byte = size >> 7, size & 0x7F
        length.append(byte | (0x80 if size else 0))
        if not size:
            return bytes([kind]) + bytes(length) + body


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text
