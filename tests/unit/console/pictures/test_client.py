"""Answers of nodes over HTTP: their size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from pi_cam_node.console.pictures.client import body_of


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
