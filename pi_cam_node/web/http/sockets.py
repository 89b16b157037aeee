"""Listening sockets of the server, and their TLS context."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from pi_cam_node.base.secret_file import require_plain

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - to be known, not to be bound
# Large, since connections that exceed the backlog are retried by clients only after seconds.
BACKLOG = 1024
# Connections that asyncio accepts before it does anything else. They are not counted yet: with as many as may wait, a
# flood took all descriptors that a process may have, and the loop stood still for seconds.
ACCEPTED_AT_ONCE = 16


def bound(host: str, port: int) -> list[socket.socket]:
    """Return sockets bound to every address of a host.

    Raises:
        OSError: The address does not exist on this machine, or the port is in use.
    """
    sockets: list[socket.socket] = []
    try:
        for family, address in _addresses(host):
            sockets.append(_bound(family, address, port))
            # Port 0 means any; the other addresses then use the same port.
            port = port or sockets[0].getsockname()[1]
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _addresses(host: str) -> list[tuple[int, str]]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in found))


def _bound(family: int, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != "::"))
        sock.bind((address, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def tls_context(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return the TLS context; ``None`` without a certificate. Reads the files.

    Raises:
        OSError: A file cannot be read, or is malformed.
    """
    if cert is None or key is None:
        return None
    for path in (cert, key):
        require_plain(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


def fingerprint(cert: Path | None) -> str:
    """Return the SHA-256 (hex) of the first certificate in a PEM file, as DER; empty for an empty name.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no certificate.
    """
    if cert is None:
        return ""
    pem = cert.read_text("ascii", "replace")
    begin, end = pem.find("-----BEGIN CERTIFICATE-----"), pem.find("-----END CERTIFICATE-----")
    der = ssl.PEM_cert_to_DER_cert(pem[begin : end + len("-----END CERTIFICATE-----")] if begin >= 0 else "")
    return hashlib.sha256(der).hexdigest()


async def wait_for_first_client(sockets: Sequence[socket.socket], stopped: asyncio.Event) -> bool:
    """Listen until the first client connects, without accepting it; return false if stopped before."""
    loop = asyncio.get_running_loop()
    visit, stop = asyncio.Event(), loop.create_task(stopped.wait())
    waits = [stop, loop.create_task(visit.wait())]
    for sock in sockets:
        sock.listen(BACKLOG)
        loop.add_reader(sock, visit.set)
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for sock in sockets:
            loop.remove_reader(sock)
        for wait in waits:
            wait.cancel()
    return not stopped.is_set()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)


def outward_address() -> str | None:
    """Return this machine's address on the default route; ``None`` without a network. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # TEST-NET-1 of RFC 5737, reached by the default route
        except OSError:
            return None
        return str(sock.getsockname()[0])
