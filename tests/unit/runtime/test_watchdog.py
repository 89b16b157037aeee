"""Heartbeats, restarts of threads, and notifications of the service manager."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.threads import Heartbeat, MonitoredThread
from pi_cam_node.core.events import CameraChanged
from pi_cam_node.core.inputs import BrokerConnected, BrokerLost, CameraFailed, CameraOpened
from pi_cam_node.runtime import watchdog
from pi_cam_node.runtime.health import NodeHealth
from pi_cam_node.runtime.watchdog import INTERNAL_CODE, Watchdog
from pi_cam_node.system.systemd import SystemdNotifier
from tests.support.fakes.clock import FakeClock

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Script:
    """A loop whose thread runs until it is ended."""

    def __init__(self, name: str, clock: FakeClock, *, replaceable: bool = False, repairs: int = 3) -> None:
        self.ends = threading.Event()
        self.restarts = 0
        self.loop = MonitoredThread(name, self._run, clock, 20, self._count, repairs=repairs, replaceable=replaceable)
        self.loop.start()

    def _run(self) -> None:
        ends = self.ends
        assert ends.wait(10)

    def _count(self) -> None:
        self.restarts += 1

    def die(self) -> None:
        self.ends.set()
        self.loop._thread.join(10)
        self.ends = threading.Event()


class Told(SystemdNotifier):
    def __init__(self, watchdog_s: float = 30.0) -> None:
        super().__init__("", watchdog_s)
        self.lines: list[str] = []

    def say(self, line: str) -> bool:
        self.lines.append(line)
        return True


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.node = Heartbeat("node", self.clock)
        self.node.beat()
        self.plain = Script("worker", self.clock)
        self.link = Script("mqtt-link", self.clock, replaceable=True, repairs=2)
        self.view_is_up, self.is_stuck = True, False
        self.health = NodeHealth(lambda: self.view_is_up, lambda: self.is_stuck)
        self.told = Told()
        self.killed: list[int] = []
        self.reasons: list[str] = []
        self.monitor = Watchdog(
            self.node,
            [self.plain.loop, self.link.loop],
            self.health,
            self.told,
            self.clock,
            self.reasons.append,
            self.killed.append,
        )

    def look(self, seconds: float = 1.0, *, silent: str = "") -> None:
        for _ in range(round(seconds)):
            self.clock.advance(1)
            for heartbeat in (self.node, self.plain.loop, self.link.loop):
                if heartbeat.name != silent:
                    Heartbeat.beat(heartbeat)
            self.monitor.look()

    def close(self) -> None:
        for script in (self.plain, self.link):
            script.ends.set()
            assert script.loop.join(10)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def test_a_heartbeat_is_stale_after_its_limit_and_what_was_announced() -> None:
    clock = FakeClock()
    heartbeat = Heartbeat("node", clock, 20)
    clock.advance(1000)
    assert not heartbeat.is_stale
    heartbeat.beat()
    clock.advance(20)
    assert not heartbeat.is_stale
    clock.advance(1)
    assert heartbeat.is_stale
    heartbeat.beat(60)
    clock.advance(79)
    assert not heartbeat.is_stale
    heartbeat.pause()
    clock.advance(1000)
    assert not heartbeat.is_stale


def test_a_loop_that_was_left_behind_has_no_heartbeat() -> None:
    clock = FakeClock()
    loop = MonitoredThread("mqtt-link", lambda: None, clock, 8)
    loop.start()
    clock.advance(9)
    loop.beat()  # from a thread that is not the loop's
    assert loop.is_stale
    assert loop.join(10)


def test_while_every_heartbeat_is_fresh_the_watchdog_is_fed_and_nothing_is_mended(bench: Bench) -> None:
    bench.look(61)
    assert bench.told.lines.count("WATCHDOG=1") == 6
    assert (bench.plain.restarts, bench.link.restarts, bench.reasons) == (0, 0, [])


def test_a_dead_thread_is_begun_again_three_times_and_then_the_node_ends(bench: Bench) -> None:
    for count in range(1, 4):
        bench.plain.die()
        bench.look()
        assert bench.plain.restarts == count
        assert bench.plain.loop.is_alive
    bench.plain.die()
    bench.look()
    assert bench.plain.restarts == 3
    assert bench.reasons == ["the thread worker died again and again"]


def test_the_link_is_begun_again_where_it_hangs_and_the_third_time_the_node_ends(bench: Bench) -> None:
    bench.look(21, silent="mqtt-link")
    assert bench.link.restarts == 1
    bench.look(21, silent="mqtt-link")
    assert (bench.link.restarts, bench.reasons) == (2, [])
    bench.look(21, silent="mqtt-link")
    assert bench.reasons == ["the thread mqtt-link hangs again and again"]


def test_another_thread_that_hangs_ends_the_node_and_the_watchdog_starves(bench: Bench) -> None:
    bench.look(25, silent="worker")
    assert bench.reasons == ["the thread worker hangs"]
    assert bench.told.lines[-1] == "STATUS=the thread worker hangs"
    fed = bench.told.lines.count("WATCHDOG=1")
    bench.look(60, silent="worker")
    assert bench.told.lines.count("WATCHDOG=1") == fed


def test_a_node_thread_that_hangs_ends_the_node(bench: Bench) -> None:
    bench.look(21, silent="node")
    assert bench.reasons == ["the node thread hangs"]


def test_a_camera_that_hangs_in_the_nodes_own_process_ends_the_node(bench: Bench) -> None:
    bench.is_stuck = True
    bench.look()
    assert "hangs in a driver" in bench.reasons[0]


def test_a_process_that_stood_still_as_a_whole_is_no_thread_that_hangs(bench: Bench) -> None:
    bench.look(5)
    bench.clock.advance(3600)
    bench.monitor.look()
    assert (bench.reasons, bench.link.restarts) == ([], 0)
    bench.look(21, silent="worker")
    assert bench.reasons == ["the thread worker hangs"]


def test_threads_that_end_when_the_node_stops_are_not_begun_again(bench: Bench) -> None:
    bench.monitor.stopping()
    bench.plain.die()
    bench.look(60, silent="mqtt-link")
    assert (bench.plain.restarts, bench.link.restarts, bench.reasons) == (0, 0, [])
    assert "STOPPING=1" in bench.told.lines


def test_the_node_thread_brings_a_dead_watchdog_back(bench: Bench) -> None:
    bench.monitor.start()
    bench.monitor._closing.set()
    bench.monitor.loop._thread.join(10)
    bench.monitor._closing.clear()
    bench.monitor.on_time(bench.clock.monotonic())
    assert bench.monitor.loop.is_alive
    bench.monitor.close(10)


def test_giving_up_kills_the_process_although_the_last_log_line_hangs(bench: Bench, mocker: MockerFixture) -> None:
    mocker.patch.object(watchdog, "CHECK_S", 0.01)
    mocker.patch.object(watchdog, "FINISH_S", 0.02)
    hangs = threading.Event()

    def hang(_why: str) -> None:
        hangs.wait(10)

    monitor = Watchdog(
        bench.node,
        [bench.plain.loop],
        bench.health,
        bench.told,
        bench.clock,
        hang,
        bench.killed.append,
    )
    bench.is_stuck = True
    monitor.start()
    while not bench.killed:
        threading.Event().wait(0.005)
    hangs.set()
    monitor.close(10)
    assert bench.killed == [INTERNAL_CODE]


# ------------------------------------------------------------------ the service manager


def test_it_is_ready_with_the_first_frame_or_when_there_is_known_to_be_none(bench: Bench) -> None:
    bench.look()
    assert "READY=1" not in bench.told.lines
    bench.health.on_event(CameraFailed("no camera was found", "wait", 0))
    bench.look(3)
    assert bench.told.lines.count("READY=1") == 1


def test_it_is_ready_with_an_open_camera_because_the_first_exposure_may_take_minutes(bench: Bench) -> None:
    bench.health.on_event(CameraOpened("synthetic", (320, 240), True))
    bench.look(3)
    assert bench.told.lines.count("READY=1") == 1
    assert any(line.startswith("STATUS=the camera is open, the first frame is awaited") for line in bench.told.lines)


def test_it_is_not_ready_while_nobody_knows_whether_the_camera_opens(bench: Bench) -> None:
    bench.look(120)
    assert "READY=1" not in bench.told.lines


def test_a_camera_that_opens_again_and_delivers_nothing_is_still_away(bench: Bench) -> None:
    bench.health.on_event(CameraFailed("no frames", "reopen", 0))
    bench.health.on_event(CameraOpened("synthetic", (320, 240), True))
    assert bench.health.status.startswith("no camera: no frames")


def test_it_is_not_ready_before_the_live_view_is(bench: Bench) -> None:
    bench.view_is_up = False
    bench.health.on_event(CameraChanged(online=True, reason="", at=NOW))
    bench.look()
    assert "READY=1" not in bench.told.lines
    bench.view_is_up = True
    bench.look()
    assert "READY=1" in bench.told.lines


def test_the_status_is_told_when_it_changes(bench: Bench) -> None:
    bench.look(3)
    bench.health.on_event(CameraChanged(online=True, reason="", at=NOW))
    bench.health.on_event(BrokerConnected("5", 1))
    bench.look(3)
    bench.health.on_event(BrokerLost("connection refused"))
    bench.look(3)
    assert [line for line in bench.told.lines if line.startswith("STATUS")] == [
        "STATUS=waiting for the camera; looking for the broker",
        "STATUS=frames arrive; broker connected",
        "STATUS=frames arrive; no broker: connection refused",
    ]


def receiver(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(address)
    sock.settimeout(5)
    return sock


@pytest.mark.parametrize("is_abstract", [False, True])
def test_notices_reach_a_socket_in_the_file_system_and_an_abstract_one(tmp_path: Path, is_abstract: bool) -> None:
    address = f"@pi-cam-node-{os.getpid()}-{tmp_path.name}" if is_abstract else str(tmp_path / "notify")
    with receiver(address.replace("@", "\0")) as sock:
        asked = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
        notifier = SystemdNotifier.of(asked)
        assert notifier.watchdog_s == 30
        assert notifier.say("STATUS=grüß dich")
        assert sock.recv(100).decode() == "STATUS=grüß dich"


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    assert SystemdNotifier.of({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).watchdog_s == 0
    assert SystemdNotifier.of({"WATCHDOG_USEC": "soon"}).watchdog_s == 0
    assert not SystemdNotifier.of({}).say("READY=1")


def test_a_service_manager_that_is_gone_costs_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = SystemdNotifier(str(tmp_path / "gone"))
    assert [notifier.say("WATCHDOG=1") for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1


# ------------------------------------------------------------------ waiting in the kernel


def test_a_thread_that_waits_for_a_dead_disk_is_told_and_left_alone(bench: Bench, mocker: MockerFixture) -> None:
    mocker.patch.object(MonitoredThread, "is_in_kernel", property(lambda loop: loop.name == "worker"))
    bench.health.on_event(CameraChanged(online=True, reason="", at=NOW))
    bench.look(120, silent="worker")
    assert (bench.reasons, bench.plain.restarts) == ([], 0)
    assert bench.told.lines.count("WATCHDOG=1") == 12
    assert "the thread worker waits for a device that does not answer" in bench.told.lines[-1] + bench.health.status


def test_a_thread_that_waits_for_another_is_not_in_the_kernel(bench: Bench) -> None:
    assert not bench.plain.loop.is_in_kernel


@pytest.mark.parametrize(
    ("stat", "waits"),
    [(b"7 (worker) D 1 2", True), (b"7 (worker) S 1 2", False), (b"7 (a) D) S 1", False), (b"", False)],
)
def test_the_state_of_a_thread_is_read_behind_its_name(
    bench: Bench, mocker: MockerFixture, stat: bytes, waits: bool
) -> None:
    mocker.patch.object(Path, "read_bytes", return_value=stat)
    assert bench.plain.loop.is_in_kernel == waits
