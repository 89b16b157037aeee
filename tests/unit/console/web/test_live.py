"""Live views: errors of single pictures, and idle connections."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")

from aiohttp import web

from pi_cam_node.console.pictures.scaling import LiveFrame
from pi_cam_node.console.pictures.viewer import Viewer, Wanted
from pi_cam_node.console.web import live


class Socket:
    """A browser's end: pictures that came, and the code of the close."""

    def __init__(self) -> None:
        self.pictures: asyncio.Queue[bytes] = asyncio.Queue()
        self.code: int | None = None

    @property
    def closed(self) -> bool:
        return self.code is not None

    async def send_bytes(self, message: bytes) -> None:
        self.pictures.put_nowait(message)

    async def close(self, *, code: int) -> None:
        self.code = code


class Frame(LiveFrame):
    """A picture whose smaller version cannot be made, or never is."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(b"bad", 1)
        self._error = error

    async def at_width(self, width_px: int, executor: object) -> bytes:
        del width_px, executor
        if self._error is None:
            await asyncio.Event().wait()
        raise self._error or AssertionError


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Viewer:
    made = Viewer()
    made.want({"porch": Wanted(30.0, 0)})
    nodes = SimpleNamespace(get=lambda _camera: SimpleNamespace(is_private=False))
    context = SimpleNamespace(nodes=nodes, hub=SimpleNamespace(scalers=None))
    monkeypatch.setattr(live, "context_of", lambda _request: context)
    monkeypatch.setattr(live, "_still_may", lambda _request: True)
    monkeypatch.setattr(live, "SCALE_DEADLINE_S", 0.1)
    return made


def sending(socket: Socket, viewer: Viewer) -> Any:
    return live._send(cast("web.Request", None), cast("web.WebSocketResponse", socket), viewer)


@pytest.mark.parametrize("error", [None, OSError("no memory"), KeyError("unforeseen")])
def test_a_picture_that_cannot_be_made_smaller_is_left_out(viewer: Viewer, error: Exception | None) -> None:
    async def run() -> bytes:
        socket = Socket()
        task = asyncio.create_task(sending(socket, viewer))
        viewer.offer("porch", Frame(error), 0.0)
        await asyncio.sleep(0.2)
        viewer.offer("porch", LiveFrame(b"good", 2), 1.0)
        async with asyncio.timeout(10):
            message = await socket.pictures.get()
        task.cancel()
        return message

    assert asyncio.run(run()).endswith(b"good")


def test_a_view_that_fails_is_closed_so_that_the_browser_comes_back(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_request: object) -> bool:
        raise KeyError("unforeseen")

    monkeypatch.setattr(live, "_still_may", fail)

    async def run() -> int | None:
        socket = Socket()
        viewer.offer("porch", LiveFrame(b"good", 2), 1.0)
        async with asyncio.timeout(10):
            await sending(socket, viewer)
        return socket.code

    assert asyncio.run(run()) == 1011


def test_one_account_leaves_connections_to_others() -> None:
    limit = live.AccountConnectionLimit()
    with ExitStack() as held:
        for _ in range(live.OPEN_PER_ACCOUNT):
            held.enter_context(limit.hold("guest"))
        with pytest.raises(web.HTTPServiceUnavailable), limit.hold("guest"):
            pass
        for _ in range(live.OPEN_MAX - live.OPEN_PER_ACCOUNT):
            held.enter_context(limit.hold("anna"))
        with pytest.raises(web.HTTPServiceUnavailable), limit.hold("max"):
            pass
    assert not limit._open
    with limit.hold("guest"):
        assert limit._open == {"guest": 1}
