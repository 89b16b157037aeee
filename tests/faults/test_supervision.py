"""Threads that end or hang, under a substitute for systemd: which are restarted, and how fast."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.supervised_node import SupervisedNode
from tests.faults.thread_faults import EXIT_POINTS, HANG_POINTS
from tests.support.bars import bar
from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import REPOSITORY, CommandClient

pytestmark = pytest.mark.faults

# What a machine that has other things to do may add to each figure before a test fails.
SLACK_S = 15.0
# Pools do what they are given and hand its errors on; nothing that they run can end them.
POOLS = re.compile(r"(http-(disk|thumbnail|work)|asyncio)_\d+")
# Run the code of the thread "encoder".
ENCODERS = {"encoder-2", "encoder-3", "encoder-remote"}
# Ends with the process that it waits for, and is there only while that is.
KEEPER = "image process"
# These do their work when there is something to record.
RECORDING = {"events", "recorder", "encoder"}


@pytest.fixture
def service(broker: Mosquitto, tmp_path: Path) -> Iterator[SupervisedNode]:
    with SupervisedNode(tmp_path, broker, recording={"pre_roll_s": 0, "post_roll_s": 0}) as running:
        yield running


@pytest.fixture
def commands(broker: Mosquitto, service: SupervisedNode) -> Iterator[CommandClient]:
    with broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(60)
        service.wait_served(commands)
        yield commands


@pytest.mark.short
def test_each_method_that_a_fault_is_injected_into_is_there() -> None:
    gone = [
        (owner.__name__, name)
        for owner, name in [*EXIT_POINTS.values(), *HANG_POINTS.values()]
        if not hasattr(owner, name)
    ]
    assert gone == []


def end_thread(service: SupervisedNode, commands: CommandClient, name: str) -> float:
    """End a thread, and return the moment; something is recorded where it works only then."""
    if name not in RECORDING:
        return service.order(f"die-{name}")
    path = service.folder / f"die-{name}"
    path.touch()

    def is_obeyed() -> bool:
        commands.ask("record", seconds=1)
        time.sleep(3)  # a recording that lasts takes the next request in
        return not path.exists()

    wait_until(is_obeyed, f"the end of {name}")
    return time.monotonic()


@pytest.mark.promise("C5")
def test_whatever_thread_dies_everything_serves_again(
    service: SupervisedNode, commands: CommandClient, figure: Callable[[str], None]
) -> None:
    service.wait("ready", 1, 30)
    names = {"node" if name == "MainThread" else name for name in service.threads() if not POOLS.fullmatch(name)}
    assert names - ENCODERS - {KEEPER} == set(EXIT_POINTS), "a thread that this test does not know, or one that is gone"
    took_s = {}
    for name in EXIT_POINTS:
        starts = len(service.kinds("start"))
        died_s = end_thread(service, commands, name)
        took_s[name] = service.wait_served(commands) - died_s
        assert (len(service.kinds("start")) > starts) == (name == "node"), f"{name}: mended otherwise than expected"
    assert [event["rc"] for event in service.kinds("exit")] == [70]
    assert max(took_s.values()) <= bar(10 + SLACK_S), took_s
    worst = max(took_s, key=lambda name: took_s[name])
    figure(
        f"{len(took_s)} of {len(names)} threads: served again after {took_s[worst]:.1f} s at most ({worst}; at most 10)"
    )


@pytest.mark.promise("C5")
def test_a_thread_that_dies_again_and_again_ends_the_process(
    service: SupervisedNode, commands: CommandClient, figure: Callable[[str], None]
) -> None:
    for _ in range(3):
        service.order("die-http")
        service.wait_served(commands)
    assert len(service.kinds("start")) == 1
    service.order("die-http")
    assert service.wait("exit", 1, 30)["rc"] == 70
    service.wait_served(commands)
    figure("3 deaths of one thread mended, the fourth ended the process with 70")


@pytest.mark.promise("M11")
@pytest.mark.parametrize("how", ["die", "hang"])
def test_the_brokers_thread_is_replaced_and_the_third_time_the_process_ends(
    service: SupervisedNode, commands: CommandClient, how: str, figure: Callable[[str], None]
) -> None:
    took_s = []
    for _ in range(2):
        began_s = service.order(f"{how}-mqtt-link")
        took_s.append(service.wait_served(commands) - began_s)
    assert len(service.kinds("start")) == 1
    service.order(f"{how}-mqtt-link")
    assert service.wait("exit", 1, 30)["rc"] == 70
    service.wait_served(commands)
    assert max(took_s) <= bar(15 + SLACK_S)
    figure(f"{how}: back on the broker after {max(took_s):.1f} s (at most 15); the third time exit code 70")


@pytest.mark.promise("C6")
@pytest.mark.parametrize("thread", ["node", "camera", "worker", "http", "tcp-trigger"])
def test_a_thread_that_hangs_ends_the_process_and_the_next_one_serves(
    service: SupervisedNode, commands: CommandClient, thread: str, figure: Callable[[str], None]
) -> None:
    path = service.folder / f"hang-{thread}"
    path.touch()
    if thread == "worker":
        commands.client.publish("pi_cam_node/porch/cmd/save", "jpg")
    began_s = time.monotonic()
    ended = service.wait("exit", 1, 60)
    assert ended["rc"] == 70
    assert not path.exists()
    ended_s = ended["at_s"] - began_s
    back_s = service.wait_served(commands) - began_s
    assert ended_s <= 30 + SLACK_S
    assert back_s <= 40 + SLACK_S
    figure(f"{thread}: ended after {ended_s:.1f} s (at most 30), served again after {back_s:.1f} s (at most 40)")


@pytest.mark.promise("C6")
def test_a_process_that_hangs_as_a_whole_is_ended_by_the_watchdog(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with SupervisedNode(tmp_path, broker, watchdog_s=10) as service, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(60)
        service.wait("ready", 1, 30)
        time.sleep(12)
        assert service.kinds("watchdog-timeout") == []
        os.kill(service.pid, signal.SIGSTOP)
        began_s = time.monotonic()
        ended_s = service.wait("exit", 1, 60)["at_s"] - began_s
        back_s = service.wait_served(commands) - began_s
    figure(f"stopped as a whole, watchdog 10 s: ended after {ended_s:.1f} s, served after {back_s:.1f} s (at most 40)")
    assert back_s <= 40 + SLACK_S


@pytest.mark.promise("C8")
def test_a_node_that_is_killed_at_random_is_back_every_time(
    service: SupervisedNode, commands: CommandClient, long: bool, figure: Callable[[str], None]
) -> None:
    chance, rounds, took_s = random.Random(8), 100 if long else 10, []
    for _ in range(rounds):
        time.sleep(chance.uniform(0, 3))
        os.kill(service.pid, signal.SIGKILL)
        began_s = time.monotonic()
        took_s.append(service.wait_served(commands) - began_s)
    assert max(took_s) <= bar(10 + SLACK_S)
    assert commands.ask("get", key="camera.width")["ok"]
    figure(f"{rounds} kills: served again after {max(took_s):.1f} s at most (at most 10), never in safe mode")


@pytest.mark.promise("C2")
def test_a_driver_that_hangs_in_the_nodes_own_process_costs_one_start(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    camera = {"source": "synthetic?loss_at_s=8&loss_s=1000&loss=hang", "isolate": False}
    with SupervisedNode(tmp_path, broker, camera=camera) as service, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(60)
        service.wait("ready", 1, 30)
        threads = len(service.threads())
        lost_s = _moment(lambda: client.latest("pi_cam_node/porch/camera/availability") == b"offline")
        assert service.wait("exit", 1, 60)["rc"] == 70
        assert service.wait("ready", 2, 60)
        back_s = _moment(lambda: client.latest("pi_cam_node/porch/camera/availability") == b"online") - lost_s + 5
        assert len(service.threads()) <= threads + 1
    assert back_s <= 40 + SLACK_S
    figure(f"a new process delivers {back_s:.1f} s after the last frame (at most 40); no thread was added meanwhile")


@pytest.mark.promise("C6")
def test_a_node_is_ready_before_a_first_frame_that_takes_long(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with SupervisedNode(tmp_path, broker, camera={"framerate": 0.1}) as service, broker.client() as client:
        ready_s = service.wait("ready", 1, 60)["at_s"] - service.wait("start", 1, 30)["at_s"]
        CommandClient(client).wait_online(90)
        wait_until(lambda: any("frames arrive" in event["text"] for event in service.kinds("status")), "a frame", 30)
        order = [event.get("text", "READY=1") for event in service.events if event["ev"] in ("ready", "status")]
        frames = next(at for at, text in enumerate(order) if "frames arrive" in text)
        assert order.index("READY=1") < frames, order
    figure(f"one frame in 10 s: ready after {ready_s:.1f} s, before the first of them")


def _moment(reached: Callable[[], bool]) -> float:
    """Return the monotonic time at which a condition holds."""
    wait_until(reached)
    return time.monotonic()


@pytest.mark.promise("B11")
@pytest.mark.short
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["pi-cam-node.service", "pi-cam-node@.service", "pi-cam-node-console.service"])
def test_the_unit_is_locked_in(figure: Callable[[str], None], name: str) -> None:
    unit = REPOSITORY / "systemd" / name
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    exposure = re.search(r"exposure level for \S+ ([\d.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout
    figure(f"exposure {exposure[1]} by systemd-analyze (at most 2.0)")


@pytest.mark.promise("B11")
@pytest.mark.short
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["pi-cam-node.service", "pi-cam-node@.service", "pi-cam-node-console.service"])
def test_systemd_takes_every_line_of_the_unit(tmp_path: Path, name: str) -> None:
    unit = tmp_path / name.replace("@.", "@porch.")
    # The program is not installed here.
    unit.write_text(
        (REPOSITORY / "systemd" / name).read_text().replace("ExecStart=/opt/", "ExecStart=-/bin/true /opt/")
    )
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.promise("C13")
def test_an_image_process_that_hangs_costs_one_picture_and_not_the_node(
    service: SupervisedNode, commands: CommandClient, figure: Callable[[str], None]
) -> None:
    wait_until(lambda: commands.ask("pastStack", formats=["png"])["ok"], "a past to stack")
    hung = next(
        child
        for child in psutil.Process(service.pid).children()
        if "pi_cam_node.imaging.task_process" in child.cmdline()
    )
    hung.suspend()
    began_s = time.monotonic()
    commands.client.publish("pi_cam_node/porch/cmd/pastStack", '{"id": "hangs", "formats": ["png"]}')
    slowest_s = 0.0
    while not commands.finals("hangs"):
        asked_s = time.monotonic()
        assert commands.ask("health")["ok"]
        slowest_s = max(slowest_s, time.monotonic() - asked_s)
        assert time.monotonic() < began_s + 120
        time.sleep(0.5)
    took_s = time.monotonic() - began_s
    assert commands.finals("hangs")[0]["code"] == "not_saved"
    assert commands.client.latest("pi_cam_node/porch/camera/availability") == b"online"
    assert commands.ask("pastStack", formats=["png"])["ok"]
    assert service.kinds("exit") == []
    assert not hung.is_running()
    figure(
        f"refused after {took_s:.0f} s (at most 60 and a little), `health` within {slowest_s:.2f} s, the next one saved"
    )
