"""Finds MQTT brokers on the local network by multicast DNS (service ``_mqtt._tcp``, RFC 6762, 6763).

One-shot queries from an ephemeral port: responders answer by unicast, so no multicast group is joined and a local
responder (Avahi) is not disturbed. IPv4 only. Answers are not trusted: size and number are limited, and malformed
records are skipped.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import psutil

SERVICE = ("_mqtt", "_tcp", "local")
GROUP = ("224.0.0.251", 5353)
WAIT_S, REPEAT_S = 3.0, 1.0
_A, _PTR, _SRV = 1, 12, 33
# Class IN with the bit that requests a unicast answer; in answers this bit is the cache-flush bit.
_ASK_UNICAST = 0x8001
_MAX_PACKET_BYTES, _MAX_RECORDS, _MAX_LABELS, _MAX_QUESTIONS = 9000, 1024, 64, 16

Name = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class FoundBroker:
    """A broker that announced itself.

    Attributes:
        name: Service name.
        host: Its host name, which ends in ``.local``.
        address: Its IPv4 address.
        port: Its port.
    """

    name: str
    host: str
    address: str
    port: int


def find_brokers(wait_s: float = WAIT_S) -> list[FoundBroker]:
    """Query on every IPv4 interface; return the brokers that answered within ``wait_s`` seconds, sorted.

    Empty without a network. Thread: any; blocks for ``wait_s``.
    """
    answers = Answers()
    deadline = time.monotonic() + wait_s
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        sockets = [stack.enter_context(opened) for opened in _sockets()]
        for opened in sockets:
            selector.register(opened, selectors.EVENT_READ, opened)
        while sockets and time.monotonic() < deadline:
            _send(sockets, query(answers.questions()))
            _receive(selector, answers, min(deadline, time.monotonic() + REPEAT_S))
    return answers.brokers()


def _receive(selector: selectors.BaseSelector, answers: Answers, until_s: float) -> None:
    while (left_s := until_s - time.monotonic()) > 0:
        for key, _ in selector.select(left_s):
            with suppress(OSError):
                answers.add(key.data.recv(_MAX_PACKET_BYTES))


def query(questions: Iterable[tuple[Name, int]]) -> bytes:
    """Return a DNS query for these names and types."""
    parts = [_encoded(name) + struct.pack("!HH", kind, _ASK_UNICAST) for name, kind in questions]
    return struct.pack("!6H", 0, 0, len(parts), 0, 0, 0) + b"".join(parts)


class Answers:
    """Services, ports, hosts and addresses received so far."""

    def __init__(self) -> None:
        self._services: dict[Name, str] = {}
        self._ports: dict[Name, set[tuple[int, Name]]] = {}
        self._addresses: dict[Name, set[str]] = {}
        self._records = 0

    def add(self, packet: bytes) -> None:
        """Add the records of a DNS answer; of a malformed one those before the first error."""
        with suppress(struct.error, IndexError, ValueError):
            _, flags, questions, *counts = struct.unpack_from("!6H", packet)
            if not flags & 0x8000:
                return
            at = 12
            for _ in range(questions):
                at = _name(packet, at)[1] + 4
            for _ in range(sum(counts)):
                name, at = _name(packet, at)
                kind, _, _, length = struct.unpack_from("!HHIH", packet, at)
                at += 10
                if at + length > len(packet) or self._records >= _MAX_RECORDS:
                    return
                self._records += 1
                self._take(packet, _lower(name), kind, at, length)
                at += length

    def _take(self, packet: bytes, name: Name, kind: int, at: int, length: int) -> None:
        if kind == _A and length == 4:
            self._addresses.setdefault(name, set()).add(socket.inet_ntoa(packet[at : at + 4]))
        elif kind == _PTR and name == SERVICE:
            service = _name(packet, at)[0]
            self._services.setdefault(_lower(service), "".join(c if c.isprintable() else "?" for c in service[0]))
        elif kind == _SRV:
            _, _, port = struct.unpack_from("!HHH", packet, at)
            self._ports.setdefault(name, set()).add((port, _name(packet, at + 6)[0]))

    def questions(self) -> list[tuple[Name, int]]:
        """Return the next questions: brokers, and missing ports and addresses."""
        asked: list[tuple[Name, int]] = [(SERVICE, _PTR)]
        for service in [*self._services][:_MAX_QUESTIONS]:
            hosts = [host for _, host in sorted(self._ports.get(service, ()))]
            asked += [(host, _A) for host in hosts if _lower(host) not in self._addresses]
            if not hosts:
                asked.append((service, _SRV))
        return asked[:_MAX_QUESTIONS]

    def brokers(self) -> list[FoundBroker]:
        """Return the completely known brokers, sorted."""
        return sorted(
            FoundBroker(name, ".".join(host), address, port)
            for service, name in self._services.items()
            for port, host in self._ports.get(service, ())
            for address in self._addresses.get(_lower(host), ())
        )


def _sockets() -> Iterator[socket.socket]:
    """Yield a socket for each IPv4 address of this machine that can send to the group."""
    addresses = [a.address for found in psutil.net_if_addrs().values() for a in found if a.family == socket.AF_INET]
    for address in dict.fromkeys(addresses):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
            opened.bind((address, 0))
            opened.setblocking(False)
        except OSError:
            opened.close()
        else:
            yield opened


def _send(sockets: Sequence[socket.socket], packet: bytes) -> None:
    for opened in sockets:
        with suppress(OSError):  # an interface without multicast, or one that is down
            opened.sendto(packet, GROUP)


def _encoded(name: Name) -> bytes:
    labels = [label.encode()[:63] for label in name]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _lower(name: Name) -> Name:
    return tuple(label.lower() for label in name)


def _name(packet: bytes, at: int) -> tuple[Name, int]:
    """Return the name at an offset, and the offset after it.

    Raises:
        ValueError, IndexError: The name is malformed, or its pointers form a loop.
    """
    labels: list[str] = []
    end = 0
    for _ in range(_MAX_LABELS):
        length = packet[at]
        if length >= 0xC0:  # compression pointer (RFC 1035, 4.1.4)
            end = end or at + 2
            at = (length & 0x3F) << 8 | packet[at + 1]
        elif length >= 0x40:
            raise ValueError("reserved kind of label")
        elif length == 0:
            return tuple(labels), end or at + 1
        else:
            label = packet[at + 1 : at + 1 + length]
            if len(label) < length:
                raise ValueError("cut off within a label")
            labels.append(label.decode())
            at += 1 + length
    raise ValueError("too many labels")
