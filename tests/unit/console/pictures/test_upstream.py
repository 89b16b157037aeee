"""The console's connection to a camera's stream: reconnection, and viewers that came first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pi_cam_node.base.clock import Clock, SystemClock
from pi_cam_node.console.nodes.registry import SILENT_S, Nodes
from pi_cam_node.console.pictures import upstream as module
from pi_cam_node.console.pictures.client import NodeClient, Unreachable
from pi_cam_node.console.pictures.cutoff import Cutoff
from pi_cam_node.console.pictures.hub import LiveHub
from pi_cam_node.console.pictures.scaling import LiveFrame
from pi_cam_node.console.pictures.viewer import Status, Viewer, Wanted
from pi_cam_node.console.store.nodes import NODES_MAX
from tests.support.fakes.clock import FakeClock

DEADLINE_S = 20.0
PICTURE = b"--frame\r\nContent-Length: 4\r\nX-Frame-Id: 1\r\n\r\njpeg\r\n"
PLACEHOLDER = b"--frame\r\nContent-Length: 4\r\nX-Placeholder: 1\r\n\r\njpeg\r\n"


class Client:
    """A node's HTTP side: each connection is served by the next of some functions, the last by all that follow."""

    def __init__(self, *turns: Callable[[asyncio.StreamReader], None]) -> None:
        self.turns = list(turns)
        self.asked = 0

    @asynccontextmanager
    async def get(self, _node: object, _path: str, _headers: Mapping[str, str] | None = None) -> AsyncIterator[Any]:
        self.asked += 1
        reader = asyncio.StreamReader()
        (self.turns.pop(0) if len(self.turns) > 1 else self.turns[0])(reader)
        yield SimpleNamespace(status=200, content=reader)


def failing(error: BaseException) -> Callable[[asyncio.StreamReader], None]:
    def fail(_reader: asyncio.StreamReader) -> None:
        raise error

    return fail


def ends(reader: asyncio.StreamReader) -> None:
    reader.feed_data(PICTURE)
    reader.feed_eof()


def ends_within(reader: asyncio.StreamReader) -> None:
    reader.feed_data(PICTURE[:-4])
    reader.feed_eof()


def is_no_stream(reader: asyncio.StreamReader) -> None:
    reader.feed_data(b"--frame\r\n\r\n")


def is_silent(_reader: asyncio.StreamReader) -> None:
    """Keep the connection, and send nothing."""


def has_placeholders(reader: asyncio.StreamReader) -> None:
    reader.feed_data(PLACEHOLDER)


def shows(reader: asyncio.StreamReader) -> None:
    reader.feed_data(PICTURE)


def come(nodes: Nodes, node: str = "porch") -> None:
    nodes.apply(node, "info", json.dumps({"name": node}).encode(), retained=True)
    nodes.apply(node, "state/privacy", b"OFF", retained=True)
    nodes.apply(node, "availability", b"online", retained=False)


@contextmanager
def hub_of(
    client: Client,
    follow: Callable[[str, bool], None] = lambda _node, _wanted: None,
    clock: Clock = SystemClock(),  # noqa: B008 - has no state
) -> Iterator[Any]:
    nodes = Nodes(clock)
    hub = LiveHub(nodes, cast("NodeClient", client), Cutoff(), SystemClock(), follow)
    viewer = Viewer()
    try:
        yield nodes, hub, viewer
    finally:
        hub.close()


async def picture(viewer: Viewer) -> list[Status]:
    """Wait for a picture of the porch that is live; return what was said until then."""
    said: list[Status] = []
    async with asyncio.timeout(DEADLINE_S):
        while True:
            statuses, frames = await viewer.next()
            said += statuses.values()
            if frames and said and said[-1].live:
                return said


WANTED = {"porch": Wanted(30.0, 0)}


@pytest.mark.parametrize(
    "turn",
    [
        ends,
        ends_within,
        is_no_stream,
        is_silent,
        has_placeholders,
        failing(asyncio.CancelledError()),
        failing(KeyError("unforeseen")),
        failing(ConnectionResetError()),
        failing(Unreachable("it does not answer")),
    ],
)
def test_whatever_ends_a_connection_it_is_made_again_while_somebody_watches(
    turn: Callable[[asyncio.StreamReader], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PICTURE_DEADLINE_S", 0.3)
    monkeypatch.setattr(module, "RETAINED_FOR_S", 0.3)

    async def run() -> int:
        client = Client(turn, turn, shows)
        with hub_of(client) as (nodes, hub, viewer):
            come(nodes)
            hub.show(viewer, WANTED)
            await picture(viewer)
            while client.asked < 3:
                await picture(viewer)
            return client.asked

    assert asyncio.run(run()) == 3


def test_a_broker_that_fails_the_console_does_not_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETAINED_FOR_S", 0.1)
    failed = list[bool]()

    def follow(_node: str, wanted: bool) -> None:
        failed.append(wanted)
        if len(failed) == 1:
            raise RuntimeError("paho's")

    async def run() -> None:
        with hub_of(Client(failing(Unreachable("away")), shows), follow) as (nodes, hub, viewer):
            come(nodes)
            hub.show(viewer, WANTED)
            await picture(viewer)

    asyncio.run(run())
    assert failed


def test_who_asks_before_the_node_is_known_sees_it_when_it_is() -> None:
    async def run() -> None:
        with hub_of(Client(shows)) as (nodes, hub, viewer):
            hub.show(viewer, WANTED)
            come(nodes)
            await picture(viewer)

    asyncio.run(run())


def test_a_node_that_is_gone_and_comes_again_is_seen_again() -> None:
    async def run() -> None:
        with hub_of(Client(shows)) as (nodes, hub, viewer):
            come(nodes)
            hub.show(viewer, WANTED)
            await picture(viewer)
            nodes.apply("porch", "availability", b"", retained=False)
            said, _ = await viewer.next()
            assert said["porch"].blank
            come(nodes)
            await picture(viewer)

    asyncio.run(run())


def test_a_node_that_made_room_for_others_and_speaks_again_is_seen_again() -> None:
    clock = FakeClock()

    def speaks(nodes: Nodes, node: str) -> None:
        nodes.apply(node, "telemetry", b'{"uptime_s": 5}', retained=False)

    async def run() -> None:
        with hub_of(Client(shows), clock=clock) as (nodes, hub, viewer):
            come(nodes)
            hub.show(viewer, WANTED)
            await picture(viewer)
            clock.advance(SILENT_S + 1)
            for number in range(NODES_MAX):
                speaks(nodes, f"other{number}")
            assert nodes.get("porch") is None
            said, _ = await viewer.next()
            assert said["porch"].blank
            clock.advance(SILENT_S + 1)
            speaks(nodes, "porch")
            come(nodes)
            await picture(viewer)

    asyncio.run(run())


def test_a_camera_that_was_lost_for_a_moment_within_a_stream_is_live_again() -> None:
    async def run() -> tuple[list[Status], int]:
        readers: list[asyncio.StreamReader] = []

        def keep(reader: asyncio.StreamReader) -> None:
            readers.append(reader)
            shows(reader)

        with hub_of(Client(keep)) as (nodes, hub, viewer):
            come(nodes)
            hub.show(viewer, WANTED)
            await picture(viewer)
            nodes.apply("porch", "camera/availability", b"offline", retained=False)
            nodes.apply("porch", "camera/availability", b"online", retained=False)
            await asyncio.sleep(0.1)
            readers[-1].feed_data(PICTURE)
            return await picture(viewer), len(readers)

    said, connections = asyncio.run(run())
    assert ([status.live for status in said], connections) == ([False, True], 1)


def test_a_camera_that_is_scrolled_into_view_does_not_wait_at_its_old_pace() -> None:
    viewer = Viewer()
    viewer.want({"porch": Wanted(0.1, 0)})
    frame = LiveFrame(b"jpeg", 1)
    viewer.offer("porch", frame, 0.0)
    viewer.want({"porch": Wanted(2.0, 0)})
    viewer.offer("porch", frame, 0.6)
    assert viewer.dropped == 1


def test_the_picture_of_the_broker_is_dropped_with_the_last_viewer() -> None:
    async def run() -> None:
        followed: list[bool] = []
        client = Client(failing(Unreachable("it does not answer")))
        with hub_of(client, lambda _node, wanted: followed.append(wanted)) as (nodes, hub, viewer):
            come(nodes)
            hub.show(viewer, WANTED)
            async with asyncio.timeout(DEADLINE_S):
                while not followed:
                    await viewer.next()
            nodes.apply("porch", "frame", b"JPEG", retained=True)
            assert (await viewer.next())[1]["porch"].jpeg == b"JPEG"
            hub.leave(viewer)
            assert followed == [True, False]
            assert nodes.get("porch").frame == b""

    asyncio.run(run())
