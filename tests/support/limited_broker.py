"""A proxy in front of a real broker that enforces the limits of hosted brokers, and records violations.

Between the node and the broker it reads MQTT packets in both directions. Where the node breaks a limit it ends the
connection as that broker does: what came before is answered, then comes DISCONNECT with a reason code (MQTT 5), or
nothing.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.support.broker import HOST

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK = 1, 2, 3, 8, 9
QUOTA, RATE, TOO_LARGE, RETAIN, QOS, WILDCARDS = 0x97, 0x96, 0x95, 0x9A, 0x9B, 0xA2


@dataclass(frozen=True)
class Limits:
    """Limits of the broker; none by default.

    Attributes:
        filters: Topic filters in one SUBSCRIBE.
        packet_bytes: Largest PUBLISH.
        publishes_per_s: PUBLISH packets within a second.
        levels: Levels of a topic.
        forbidden: Topics on which publishing or subscribing ends the connection.
        retain: Whether it accepts retained messages.
        qos1: Whether it accepts QoS 1.
        wildcards: Whether it accepts filters with wildcards.
        says_why: Whether it sends DISCONNECT with a reason to MQTT 5 clients.
        connack: Additional properties of CONNACK, as bytes.
        old_suback: Whether it answers SUBSCRIBE as in 3.1.1, in any version.
    """

    filters: int | None = None
    packet_bytes: int | None = None
    publishes_per_s: int | None = None
    levels: int | None = None
    forbidden: frozenset[str] = frozenset()
    retain: bool = True
    qos1: bool = True
    wildcards: bool = True
    says_why: bool = True
    connack: bytes = b""
    old_suback: bool = False


@dataclass
class _Connection:
    version: int = 4
    last_packet: bytes = b""
    published_s: deque[float] = field(default_factory=deque)


class LimitedBroker:
    """The proxy, within a ``with`` block.

    Attributes:
        port: Port to connect to.
        versions: MQTT protocol levels of all connections: 4 or 5.
        broken: Violations so far, as texts.
    """

    def __init__(self, broker_port: int, limits: Limits) -> None:
        self._broker_port = broker_port
        self.limits = limits
        self.versions: list[int] = []
        self.broken: list[str] = []
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for sock in list(self._open):
            _end(sock)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            broker = socket.create_connection((HOST, self._broker_port))
        except OSError:
            client.close()
            return
        self._open |= {client, broker}
        connection = _Connection()
        threading.Thread(target=self._carry, args=(broker, client, connection, False), daemon=True).start()
        self._carry(client, broker, connection, True)

    def _carry(self, source: socket.socket, target: socket.socket, connection: _Connection, from_node: bool) -> None:
        buffer = b""
        with suppress(OSError):
            while data := source.recv(1 << 16):
                buffer += data
                while (packet := _first_packet(buffer)) is not None:
                    head, body, used = packet
                    buffer = buffer[used:]
                    if from_node:
                        code, why = self._judge(head, body, connection)
                        if why:
                            self._refuse(source, target, connection, code, why)
                            return
                    target.sendall(_packet(head, body if from_node else self._answer(head, body, connection)))
        with suppress(OSError):
            target.sendall(b"" if from_node else connection.last_packet)
        for sock in (source, target):
            _end(sock)
            self._open.discard(sock)

    def _refuse(
        self, client: socket.socket, broker: socket.socket, connection: _Connection, code: int, why: str
    ) -> None:
        """End a connection once the broker has answered earlier packets; further ones are dropped."""
        self.broken.append(why)
        if connection.version == 5 and self.limits.says_why:
            connection.last_packet = _packet(0xE0, bytes((code, 0)))
        with suppress(OSError):
            broker.shutdown(socket.SHUT_WR)  # it answers, and closes: then the other direction ends both
            while client.recv(1 << 16):
                pass

    def _judge(self, head: int, body: bytes, connection: _Connection) -> tuple[int, str]:
        match head >> 4:
            case 1:
                connection.version = body[6]
                self.versions.append(body[6])
            case 3:
                return self._judge_publish(head, body, connection)
            case 8:
                return self._judge_subscribe(body, connection)
        return 0, ""

    def _judge_publish(self, head: int, body: bytes, connection: _Connection) -> tuple[int, str]:
        limits, now_s = self.limits, time.monotonic()
        topic = body[2 : 2 + struct.unpack(">H", body[:2])[0]].decode(errors="replace")
        sent_s = connection.published_s
        sent_s.append(now_s)
        while now_s - sent_s[0] > 1:
            sent_s.popleft()
        if limits.packet_bytes is not None and len(body) + 5 > limits.packet_bytes:
            return TOO_LARGE, f"{len(body)} bytes on {topic}"
        if limits.publishes_per_s is not None and len(sent_s) > limits.publishes_per_s:
            return RATE, f"{len(sent_s)} within a second, with {topic}"
        if head & 1 and not limits.retain:
            return RETAIN, f"retained on {topic}"
        if head & 6 and not limits.qos1:
            return QOS, f"QoS {head >> 1 & 3} on {topic}"
        return self._judge_topic(topic, "publish")

    def _judge_topic(self, topic: str, what: str) -> tuple[int, str]:
        if topic in self.limits.forbidden:
            return QUOTA, f"{what} {topic}"
        if self.limits.levels is not None and topic.count("/") >= self.limits.levels:
            return QUOTA, f"{what} {topic.count('/') + 1} levels"
        return 0, ""

    def _judge_subscribe(self, body: bytes, connection: _Connection) -> tuple[int, str]:
        start, filters = 2, []
        if connection.version == 5:
            length, start = _number(body, start) or (0, start)
            start += length
        while start < len(body):
            size = struct.unpack(">H", body[start : start + 2])[0]
            filters.append(body[start + 2 : start + 2 + size].decode())
            start += 3 + size
        if self.limits.filters is not None and len(filters) > self.limits.filters:
            return QUOTA, f"{len(filters)} filters in a packet"
        if not self.limits.wildcards and any(c in f for f in filters for c in "+#"):
            return WILDCARDS, f"wildcards in {filters}"
        return next((found for f in filters if (found := self._judge_topic(f, "subscribe to"))[1]), (0, ""))

    def _answer(self, head: int, body: bytes, connection: _Connection) -> bytes:
        if connection.version != 5:
            return body
        if head >> 4 == CONNACK and body[1] == 0 and self.limits.connack:
            length, start = _number(body, 2) or (0, 3)
            properties = body[start : start + length] + self.limits.connack
            return body[:2] + _encoded(len(properties)) + properties
        if head >> 4 == SUBACK and self.limits.old_suback:
            length, start = _number(body, 2) or (0, 3)
            return body[:2] + body[start + length :]
        return body


def _end(sock: socket.socket) -> None:
    """Close a connection, waking the thread that reads from it."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def _number(data: bytes, start: int) -> tuple[int, int] | None:
    """Return a variable byte integer and the offset of its end; ``None`` if incomplete."""
    value = 0
    for place in range(4):
        if start + place >= len(data):
            return None
        value |= (data[start + place] & 127) << (7 * place)
        if not data[start + place] & 128:
            return value, start + place + 1
    raise OSError("malformed length")


def _encoded(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, digit = divmod(value, 128)
        encoded.append(digit | (128 if value else 0))
        if not value:
            return bytes(encoded)


def _first_packet(data: bytes) -> tuple[int, bytes, int] | None:
    """Return the first packet's head, body and total length; ``None`` if incomplete."""
    if len(data) < 2 or (length := _number(data, 1)) is None or len(data) < sum(length):
        return None
    return data[0], data[length[1] : sum(length)], sum(length)


def _packet(head: int, body: bytes) -> bytes:
    return bytes((head,)) + _encoded(len(body)) + body
