"""Answers of nodes: size of bodies, shape of tickets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.pictures.client import NodeClient, Unreachable, body_of
from tests.support.fakes.clock import FakeClock


@pytest.mark.parametrize(("size_bytes", "came"), [(100, b"x" * 100), (101, b"")])
def test_a_body_that_is_longer_than_the_limit_is_none(size_bytes: int, came: bytes) -> None:
    read = []

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size_bytes):
            read.append(1)
            yield b"x"
        while size_bytes > 100 and len(read) < 10_000:  # a node that does not end
            read.append(1)
            yield b"x"

    answer: Any = SimpleNamespace(content=SimpleNamespace(iter_any=chunks))
    assert asyncio.run(body_of(answer, 100)) == came
    assert len(read) == size_bytes


@pytest.mark.parametrize("ticket", ["t\r\nX-More: 1", "t\0", "two words", "\u20ac", "", "x" * 2000, 7, None])
def test_a_ticket_that_cannot_be_sent_is_none(ticket: object) -> None:
    async def ask(*_asked: object) -> dict[str, object]:
        return {"ok": True, "message": "OK", "data": {"ticket": ticket}}

    node = Node("porch", info={"url": "http://127.0.0.1:9", "boot": "b1", "commands": ["ticket"]})
    requests: Any = SimpleNamespace(ask=ask)
    with pytest.raises(Unreachable, match="hands out no ticket"):
        asyncio.run(NodeClient(requests, FakeClock()).check(node))
