"""The load test of a fleet: MQTT packets, comparison of retained topics, and a small fleet."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from benchmarks.fleet import measure
from benchmarks.fleet.measure import Asked, Fleet, differing, lines_of, moments_ms
from benchmarks.fleet.simulated import Script, SimulatedNode
from benchmarks.fleet.watcher import Watcher
from benchmarks.fleet.wire import Connection, connect_packet
from tests.support.broker import Mosquitto, find_mosquitto


def test_a_connect_packet_is_that_of_the_standard() -> None:
    assert connect_packet("a", 60, None) == b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"
    with_will = connect_packet("a", 60, ("t", b"off"))
    assert with_will == b"\x10\x15\x00\x04MQTT\x04\x2e\x00\x3c\x00\x01a\x00\x01t\x00\x03off"


def test_what_is_missing_or_another_is_found_and_what_time_changes_is_not() -> None:
    before = {
        "a": {"availability": b"online", "state/brightness": b"1", "config/x": b"1", "event/motion": b"{}"},
        "b": {"info": b'{"boot": "1", "session": 1}', "telemetry": b"{}"},
    }
    after = {
        "a": {"availability": b"online", "state/brightness": b"2", "config/x": b"1"},
        "b": {"info": b'{"boot": "1", "session": 2}', "telemetry": b'{"more": 1}'},
    }
    assert differing(before, after) == []
    del after["a"]["state/brightness"]
    after["a"]["config/x"] = b"2"
    after["b"]["info"] = b'{"boot": "2", "session": 2}'
    assert differing(before, after) == ["a/state/brightness", "a/config/x", "b/info"]
    assert differing(before, {}) == ["a/availability", "a/state/brightness", "a/config/x", "b/info"]


def test_the_moments_are_those_of_saved_pictures() -> None:
    saved = {"ok": True, "data": {"first_epoch_ms": 1_000}}
    assert moments_ms({"a": (0.1, saved), "b": (0.1, {"ok": False, "message": "NO_FRAMES"})}) == [1_000]
    assert "spread                   1.50" in lines_of({"spread": 1.5})


def test_simulated_nodes_keep_say_and_answer_what_a_node_does_and_come_back(tmp_path: Path) -> None:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    script = Script({"info": b"{}", "config/x": b"1"}, [(0.0, "state/brightness", b"7", True)], 1.0)
    wanted = {"availability": b"online", "info": b"{}", "config/x": b"1", "state/brightness": b"7"}

    async def run(broker: Mosquitto) -> None:
        tasks = [asyncio.create_task(SimulatedNode(number, broker.port, script).run()) for number in range(20)]
        try:
            for _ in range(2):
                watcher = Watcher(broker.port)
                await watcher.open()
                await watcher.wait_online(20, 60)
                assert await watcher.look("sim-0007", wanted) == wanted
                replies = await watcher.ask_all("health", 20)
                assert len(replies) == 20
                assert all(reply["ok"] for _, reply in replies.values())
                await asyncio.to_thread(broker.restart)
                await watcher.close()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    with Mosquitto(tmp_path) as broker:
        asyncio.run(run(broker))


def test_a_broker_that_is_not_there_is_said() -> None:
    async def run() -> None:
        with pytest.raises(OSError):
            await Connection(1, "a", lambda _topic, _payload: None).open()

    asyncio.run(run())


def test_a_broker_that_ends_the_connection_or_is_too_slow_is_said(mocker: MockerFixture) -> None:
    mocker.patch("benchmarks.fleet.wire.ACKNOWLEDGE_S", 0.2)

    async def subscribe(*, ends: bool) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"\x20\x02\x00\x00")  # CONNACK
            with suppress(OSError, asyncio.IncompleteReadError):
                await reader.readexactly(15 if ends else 10_000)  # its CONNECT, or until it is gone
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            connection = Connection(server.sockets[0].getsockname()[1], "a", lambda _topic, _payload: None)
            await connection.open()
            reading = asyncio.create_task(connection.run())
            try:
                await connection.subscribe(["t"])
            finally:
                connection.close()
                await reading

    with pytest.raises(ConnectionResetError, match="a: the broker has ended the connection"):
        asyncio.run(subscribe(ends=True))
    with pytest.raises(TimeoutError, match=r"a: the broker acknowledges no subscription within 0\.2 s"):
        asyncio.run(subscribe(ends=False))


def test_a_small_fleet_answers_and_comes_back_whole(tmp_path: Path, mocker: MockerFixture) -> None:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    mocker.patch.multiple(measure, RECORD_S=1.5, SETTLE_S=0.5)
    asked = Asked("mosquitto", real=1, simulated=8, seconds=1.0, framerate_hz=10.0)
    with ExitStack() as stack:
        figures = asyncio.run(Fleet(asked, tmp_path, stack).run())
    assert figures["answered"] == 9
    assert figures["group_answered"] == ["real-1"]
    assert figures["instant_answered"] == 1
    assert figures["differing"] == []
    assert figures["node_pss_mib"] > 10
