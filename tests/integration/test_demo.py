"""`pi-cam-node demo` with both brokers, including its cleanup."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.broker import find_mosquitto, wait_until
from tests.support.running_demo import ENVIRONMENT, RunningDemo, program

BROKERS = {
    "mosquitto": find_mosquitto() is not None,
    "amqtt": importlib.util.find_spec("amqtt") is not None,
}


@pytest.fixture(params=BROKERS)
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningDemo]:
    if not BROKERS[request.param]:
        pytest.skip(f"{request.param} is not installed")
    with RunningDemo(tmp_path, request.param) as running:
        yield running


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def steps_of(said: str) -> list[str]:
    """Return the lines of the walk that are to be typed."""
    return [line.strip() for line in said.splitlines() if line.startswith("    ")]


def type_in(line: str, folder: Path) -> str:
    """Type a line of the walk into a shell in the demo's folder; what never ends gets half a second."""
    if "mosquitto_sub" in line:
        line += " -W 1"
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False
    )
    timed_out = "mosquitto_sub" in line and done.returncode == 27
    assert done.returncode == 0 or timed_out, f"{line}: {done.stdout}{done.stderr}"
    return done.stdout


def test_every_step_of_the_walk_works_as_printed(demo: RunningDemo) -> None:
    steps = steps_of(demo.wait_for("first brightness"))
    assert len(steps) >= 5
    demo.wait_for_past()
    replies = {step: type_in(step, demo.folder) for step in steps}
    text = "\n".join(replies.values())
    assert "Saved stacked image" in text
    assert "STATUS=DAY" in text
    assert "OK: changed night.gain from 6 to 2" in text
    assert "shortstream" in text
    wait_until(lambda: list((demo.folder / "captures").glob("*-stack.jpg")), "a stacked picture")
    wait_until(lambda: list((demo.folder / "captures").glob("*-single.jpg")), "a fresh picture")


def test_the_first_brightness_is_a_brightness(demo: RunningDemo) -> None:
    line = next(line for line in demo.wait_for("first brightness").splitlines() if line.startswith("first brightness"))
    assert 0 < float(line.split()[2]) < 255


def test_only_this_machine_can_reach_the_broker(demo: RunningDemo) -> None:
    demo.wait_for("first brightness")
    for child in psutil.Process(demo.process.pid).children(recursive=True):
        for connection in child.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                assert (connection.laddr.ip, connection.laddr.port) == ("127.0.0.1", demo.port)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_everything(demo: RunningDemo, how: signal.Signals) -> None:
    said = demo.wait_for("first brightness")
    settings = Path(said.split("settings are in ")[1].split(".yaml")[0] + ".yaml")
    assert settings.exists()
    family = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(family) >= 2
    assert demo.stop(how) == 0
    assert not listens(demo.port)
    assert not settings.parent.exists()
    assert psutil.wait_procs(family, timeout=60)[1] == []


def test_the_broker_ends_with_a_killed_demo(demo: RunningDemo) -> None:
    demo.wait_for("first brightness")
    family = psutil.Process(demo.process.pid).children(recursive=True)
    demo.process.kill()
    demo.process.wait(60)
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert not listens(demo.port)


def test_the_command_restart_restarts_the_node(demo: RunningDemo) -> None:
    demo.wait_for("first brightness")
    assert demo.call("restart").stdout == "OK: restarting\n"
    demo.wait_for("restarting, as asked")
    wait_until(lambda: demo.call("--timeout", "20", "night_level").returncode == 0, "an answer after the restart", 90.0)


def test_changed_settings_are_written_into_the_demo_s_file(demo: RunningDemo) -> None:
    demo.wait_for("first brightness")
    demo.call("set", "night.gain", "3.5")
    written = demo.call("overwrite_config")
    assert written.returncode == 0, written.stdout + written.stderr
    path = Path(written.stdout.removeprefix("OK: configuration dumped to ").strip())
    assert "gain: 3.5" in path.read_text()


def test_a_port_that_is_taken_is_said_and_nothing_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = program("demo", "--port", str(taken.getsockname()[1]), folder=tmp_path)
    assert done.returncode == 1
    assert "is taken" in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["demo", "--captures"], ["house", "--folder"]])
def test_a_folder_that_cannot_be_written_is_said_and_nothing_starts(tmp_path: Path, words: list[str]) -> None:
    # Not even root can write in there.
    done = program(*words, "/proc/pictures", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("/proc/pictures cannot be written: ")
    assert f"`{words[1]}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not BROKERS["mosquitto"], reason="mosquitto is not installed")
def test_a_house_whose_folder_is_kept_starts_again_on_other_ports(tmp_path: Path) -> None:
    """The console's file is kept for its rules: the ports in it are those of an earlier run."""
    folder = tmp_path / "house"
    folder.mkdir()
    (folder / "console.yaml").write_text(
        f"console: {{port: 1, base_dir: {folder / 'console'}}}\nmqtt: {{host: 127.0.0.1, port: 2}}\n"
    )
    log = folder / "console.log"
    command = [sys.executable, "-m", "pi_cam_node", "house", "--folder", str(folder)]
    environ = {**ENVIRONMENT, "PI_CAM_NODE_CONSOLE__MQTT__HOST": "192.0.2.1"}
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL) as house:
        try:
            wait_until(lambda: log.exists() and "connected to 127.0.0.1:" in log.read_text(), "its broker", 60)
        finally:
            house.send_signal(signal.SIGTERM)
    assert "127.0.0.1:2," not in log.read_text()


def test_help_loads_neither_numpy_nor_opencv_nor_pydantic(tmp_path: Path) -> None:
    code = (
        "import sys, pi_cam_node.cli.main as cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: print([m for m in ('numpy', 'cv2', 'pydantic', 'paho') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.endswith("[]\n")


def test_every_next_step_begins_with_an_installed_program(demo: RunningDemo) -> None:
    steps = steps_of(demo.wait_for("first brightness"))
    assert steps
    for step in steps:
        assert shutil.which(shlex.split(step)[0]) is not None, step
