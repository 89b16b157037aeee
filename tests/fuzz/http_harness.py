"""The web application on connections without sockets, for fuzzing."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from aiohttp import web

from pi_cam_node.config import Config
from pi_cam_node.core.events import FramesSent, Replied
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.imaging.jpeg import encode
from pi_cam_node.web.application import application
from pi_cam_node.web.auth.access import Access
from pi_cam_node.web.auth.allowed_hosts import AllowedHosts
from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.auth.sessions import Sessions
from pi_cam_node.web.auth.signed_links import SignedLinks
from pi_cam_node.web.auth.token import Token
from pi_cam_node.web.context import Answered, State, WebContext
from pi_cam_node.web.http.connection import Connection
from pi_cam_node.web.http.connection_limit import CONNECTIONS
from tests.fuzz.command_harness import CommandHarness
from tests.fuzz.event_loop import new_loop, turns
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES, frame_of
from tests.support.pictures import ID, scene

TOKEN = "a-token-of-the-house"
# A request is answered within so many turns of the loop, or it waits for something that does not come.
TURNS = 40
_ANSWER = re.compile(rb"HTTP/[0-9]\.[0-9] ([0-9]{3}) ")


class MemoryTransport(asyncio.Transport):
    """Transport to a loopback client that collects what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000)})
        self.written = bytearray()
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def get_protocol(self) -> asyncio.BaseProtocol:
        return asyncio.Protocol()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is None or high >= (low or 0)

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return


class OnePicture:
    """An archive of one picture."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / f"{ID}.jpg"
        self._path.write_bytes(encode(scene(), "bgr", 80))

    def find(self, picture_id: str) -> str | None:
        return str(self._path) if picture_id == ID else None

    @property
    def is_away(self) -> bool:
        return False

    def newest(self, count: int) -> list[str]:
        return [ID][:count]


class HttpHarness:
    """An application whose node answers at once."""

    _shared: ClassVar[dict[bool, HttpHarness]] = {}

    def __init__(self, *, has_token: bool) -> None:
        self.failures: list[BaseException] = []
        self._loop = new_loop(self.failures)
        clock, config = FakeClock(), Config.model_validate({"node": {"id": "porch"}})
        links, hub = SignedLinks(clock), FrameHub()
        site = WebContext(
            hub, OnePicture(), self._ask, links, State(config), clock, IMAGES, {"id": "porch", "version": "0"}
        )
        at = clock.utcnow()
        hub.publish(frame_of(np.full((48, 64, 3), 99, np.uint8), 1, 1000.0, at))
        access = Access(
            Token(TOKEN) if has_token else None,
            links,
            Sessions(clock),
            Lockout(clock),
            Proxies(()),
            AllowedHosts(()),
            "session_porch",
        )
        self._clock = clock
        app = application(site, access)
        self._connections = app[CONNECTIONS]
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None)
        self._loop.run_until_complete(self._runner.setup())

    @classmethod
    def shared(cls, *, has_token: bool) -> HttpHarness:
        """Return the harness in use."""
        if has_token not in cls._shared:
            cls._shared[has_token] = cls(has_token=has_token)
        return cls._shared[has_token]

    def talk(self, data: bytes) -> None:
        """Send bytes of a client in two pieces, and disconnect."""
        self._loop.run_until_complete(self._talk(data))
        if self.failures:
            raise AssertionError("nobody caught it") from self.failures.pop()

    async def _talk(self, data: bytes) -> None:
        engine = self._runner.server
        assert engine is not None
        self._clock.advance(1.0)
        transport, connection = MemoryTransport(), Connection(engine, self._connections, self._loop)
        connection.connection_made(transport)
        for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
            if not transport.is_closed:
                connection.data_received(piece)
                await turns(TURNS)
        connection.connection_lost(None)
        await turns(8)
        written = bytes(transport.written)
        answer = _ANSWER.match(written)
        assert answer or not written, written[:200]
        assert answer is None or answer[1] != b"500", written[:400]
        assert len(self._connections) == 0

    async def _ask(self, verb: str, payload: bytes) -> Answered:
        harness = CommandHarness.shared()
        arrival = CommandArrived(verb, payload, harness.world.clock.monotonic(), reply_to="1", origin="http")
        told = harness.facts(arrival)
        finals = [f.body for f in told if isinstance(f, Replied) and f.body["stage"] == "final"]
        assert len(finals) == 1, finals
        assert finals[0]["code"] != "internal", finals
        return Answered(finals[0], tuple(f for f in told if isinstance(f, FramesSent)))
