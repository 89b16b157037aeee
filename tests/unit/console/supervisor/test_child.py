"""Restarts of nodes run by the console."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pi_cam_node.config.loader import load as load_node
from pi_cam_node.console.config.cameras import CameraEntry
from pi_cam_node.console.config.loader import load
from pi_cam_node.console.supervisor import child as child_module
from pi_cam_node.console.supervisor import settings
from pi_cam_node.console.supervisor.child import ERASED, FAST_S, Child, Process
from pi_cam_node.system.systemd import is_restarted
from tests.support.fakes.clock import FakeClock


class Run:
    """A run that ends with a code after so many seconds."""

    def __init__(self, clock: FakeClock, code: int, lasts_s: float) -> None:
        self._clock, self._code, self._lasts_s = clock, code, lasts_s

    async def wait(self) -> int:
        self._clock.advance(self._lasts_s)
        return self._code

    def terminate(self) -> None:
        """Do nothing."""

    def kill(self) -> None:
        """Do nothing."""


def lived(*runs: tuple[int, float]) -> tuple[list[float], str, int]:
    """Return the waits between runs, what was said at the end, and how many runs there were."""
    clock, waits, left = FakeClock(), list[float](), list(runs)

    async def spawn() -> Process:
        if not left:
            raise asyncio.CancelledError
        return Run(clock, *left.pop(0))

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    child = Child("gate", spawn, clock, sleep)
    try:
        asyncio.run(child.run())
    except asyncio.CancelledError:
        waits.append(-1.0)
    return waits, child.state, len(runs) - len(left)


def test_one_that_ends_is_started_again_more_slowly_each_time() -> None:
    waits, _, _ = lived((1, 1), (1, 1), (1, 1), (1, 1))
    assert waits == [1.0, 2.0, 4.0, 8.0, -1.0]


class DeafRun:
    """A run that ends only by force."""

    def __init__(self) -> None:
        self._killed = asyncio.Event()

    async def wait(self) -> int:
        await self._killed.wait()
        return -9

    def terminate(self) -> None:
        """Do nothing."""

    def kill(self) -> None:
        self._killed.set()


def test_one_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "STOP_S", 0.05)

    async def run() -> None:
        started = asyncio.Event()

        async def spawn() -> Process:
            started.set()
            return DeafRun()

        child = Child("gate", spawn, FakeClock())
        task = asyncio.create_task(child.run())
        await started.wait()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait_for(child.stop(), 10)

    asyncio.run(run())


def test_one_that_lasted_begins_anew() -> None:
    waits, _, _ = lived((1, 1), (1, 1), (1, FAST_S + 1), (1, 1))
    assert waits == [1.0, 2.0, 1.0, 2.0, -1.0]


def test_restart_is_at_once_and_erased_is_for_ever() -> None:
    assert lived((75, 1), (75, 1), (75, 1), (75, 1), (75, 1), (75, 1))[0] == [-1.0]
    waits, state, count = lived((ERASED, 1), (1, 1))
    assert (waits, count) == ([], 1)
    assert "erased" in state


def test_five_fast_ends_and_it_is_left_alone() -> None:
    waits, state, count = lived(*[(2, 1)] * 9)
    assert (waits, count) == ([1.0, 2.0, 4.0, 8.0], 5)
    assert "left alone" in state


def test_each_has_a_folder_and_a_port_and_its_file_stays_its_own(tmp_path: Path) -> None:
    text = f"console: {{base_dir: {tmp_path}}}\nmqtt: {{host: broker, port: 1999, username: u, password: p}}\n"
    config = load(tmp_path / "console.yaml", {}, text.encode()).config
    ports = []
    for name in ("gate", "yard"):
        entry = CameraEntry(id=name, source="synthetic")
        file, environ = settings.prepare(entry, config, {"PATH": "/bin", "PI_CAM_NODE_CONSOLE__MQTT__HOST": "x"})
        loaded = load_node(file, environ).config
        assert (loaded.node.id, loaded.mqtt.host, loaded.mqtt.port, loaded.camera.source) == (
            name,
            "broker",
            1999,
            "synthetic",
        )
        assert loaded.export.base_dir == tmp_path / "nodes" / name / "captures"
        ports.append(loaded.mjpeg_server.port)
        file.write_text("night: {gain: 3}\n")
        again = load_node(*settings.prepare(entry, config, {})).config
        assert (again.night.gain, again.mjpeg_server.port) == (3.0, ports[-1])
    assert len(set(ports)) == 2


def test_a_node_knows_that_the_console_starts_it_again(tmp_path: Path) -> None:
    config = load(tmp_path / "console.yaml", {}, f"console: {{base_dir: {tmp_path}}}\n".encode()).config
    file, environ = settings.prepare(CameraEntry(id="gate", source="synthetic"), config, {"PATH": "/bin"})
    assert is_restarted(environ, 42, 41)
    assert load_node(file, environ).config.node.id == "gate"


@pytest.mark.parametrize(("content", "is_kept"), [(b"8150", True), (b"", False), (b"\xff[]", False), (b"80", False)])
def test_a_port_is_kept_and_what_is_none_is_replaced(tmp_path: Path, content: bytes, is_kept: bool) -> None:
    for name in ("gate", "yard"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "port").write_bytes(content)
    found = settings._port(tmp_path / "gate" / "port")
    assert (found == 8150) is is_kept
    assert settings._port(tmp_path / "gate" / "port") == found
