"""Requests that are answered before their body has come: the sender reads one answer, whatever it goes on sending."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.web_server import RunningWebServer

JSON = "Content-Type: application/json"
PIECE_BYTES = 6000


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[RunningWebServer]:
    with RunningWebServer(tmp_path) as server:
        yield server


def answers_to(port: int, request: str, body_bytes: int, *headers: str) -> list[bytes]:
    """Send a head, wait for the answer, then send the body and another request; return the answers."""
    lines = (f"{request} HTTP/1.1", "Host: localhost", f"Content-Length: {body_bytes}", *headers, "", "")
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall("\r\n".join(lines).encode())
        said = sock.recv(65536)
        for _ in range(body_bytes // PIECE_BYTES):
            sock.sendall(b"x" * PIECE_BYTES)
        sock.sendall(b"x" * (body_bytes % PIECE_BYTES) + b"GET /api/config HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while chunk := sock.recv(65536):
            said += chunk
    return [b"HTTP/1.1 " + answer for answer in said.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    ("request_", "headers", "status"),
    [
        ("POST /api/commands/save", ["Content-Type: text/plain"], 415),
        ("POST /api/commands/save", [JSON, "Origin: http://evil.example"], 403),
        ("POST /api/nothing", [JSON], 404),
        ("PUT /api/state", [JSON], 405),
        ("GET /healthz", [], 503),
    ],
)
@pytest.mark.parametrize("body_bytes", [20_000, 300_000])
def test_a_body_that_comes_after_the_answer_is_no_second_request(
    serving: RunningWebServer, request_: str, headers: list[str], status: int, body_bytes: int
) -> None:
    answers = answers_to(serving.port, request_, body_bytes, *headers)
    assert [int(answer[9:12]) for answer in answers] == [status]
    assert b"\r\nConnection: close\r\n" in answers[0]


@pytest.mark.parametrize("body_bytes", [65_537, 5_000_000])
def test_a_body_beyond_measure_is_refused_before_it_comes(serving: RunningWebServer, body_bytes: int) -> None:
    answers = answers_to(serving.port, "POST /api/commands/save", body_bytes, JSON)
    assert [answer[9:12] for answer in answers] == [b"413"]
    assert b"65536 bytes" in answers[0]


@pytest.mark.parametrize("body_bytes", [70_000, 5_000_000])
def test_the_refusal_of_a_body_in_chunks_is_read_by_its_sender(serving: RunningWebServer, body_bytes: int) -> None:
    head = f"POST /api/commands/save HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", serving.port), 10) as sock:
        sock.sendall(head.encode() + b"%x\r\n" % body_bytes + b"x" * body_bytes + b"\r\n0\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_small_body_that_nobody_reads_ends_no_connection(serving: RunningWebServer) -> None:
    one = b"GET /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
    with socket.create_connection(("127.0.0.1", serving.port), 10) as sock:
        for _ in range(3):
            sock.sendall(one)
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
