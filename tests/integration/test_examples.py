"""The examples run unchanged with the demo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pi_cam_node.imaging import jpeg
from tests.support.broker import Mosquitto, find_mosquitto, wait_until
from tests.support.running_demo import ENVIRONMENT, REPOSITORY, RunningDemo

EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))
LINES_MAX = 25


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with RunningDemo(tmp_path_factory.mktemp("demo"), "mosquitto") as running:
        running.wait_for("first brightness")
        running.wait_for_past()
        yield running


def start(name: str, demo: RunningDemo, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(REPOSITORY / "examples" / name), str(demo.port)]
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)


def first_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    """Return the first lines that an example prints, and end it."""
    assert process.stdout is not None
    try:
        return [process.stdout.readline().strip() for _ in range(count)]
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_fits_a_screen(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_MAX


def test_every_example_is_tried_here() -> None:
    tests = Path(__file__).read_text()
    assert [path.name for path in EXAMPLES if f'"{path.name}"' not in tests] == []


def test_past_picture_prints_the_path_of_a_picture(demo: RunningDemo, tmp_path: Path) -> None:
    (line,) = first_lines(start("past_picture.py", demo, tmp_path), 1)
    assert jpeg.decode(Path(line).read_bytes()).shape == (768, 1024, 3)


def test_follow_brightness_prints_the_states_at_once(demo: RunningDemo, tmp_path: Path) -> None:
    lines = first_lines(start("follow_brightness.py", demo, tmp_path), 3)
    found = dict(line.split() for line in lines)
    assert 0 < float(found["brightness"]) < 255
    assert found["mode"] in ("day", "night")
    assert float(found["lux"]) > 0


def has_printed(out: Path, printed: str, count: int) -> bool:
    return out.read_text().count(printed) == count


@pytest.mark.parametrize(
    ("name", "topic", "printed"),
    [("follow_brightness.py", "state/brightness", "brightness"), ("last_picture.py", "media/last/image", "last.jpg:")],
)
def test_an_example_goes_on_after_the_broker_restarted(
    broker: Mosquitto, tmp_path: Path, name: str, topic: str, printed: str
) -> None:
    command = [sys.executable, str(EXAMPLES[0].with_name(name)), str(broker.port)]
    out = tmp_path / "out"
    with out.open("w") as file, subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=file) as process:
        try:
            for count in (1, 2):  # retained, and forgotten by the broker in between
                with broker.client() as client:
                    client.publish(f"pi_cam_node/demo/{topic}", str(count), retain=True)
                wait_until(partial(has_printed, out, printed, count), f"line {count}")
                broker.restart()
        finally:
            process.kill()


def test_last_picture_writes_the_picture(demo: RunningDemo, tmp_path: Path) -> None:
    (line,) = first_lines(start("last_picture.py", demo, tmp_path), 1)
    picture = (tmp_path / "last.jpg").read_bytes()
    assert line == f"last.jpg: {len(picture)} bytes"
    assert jpeg.decode(picture).ndim == 3


def test_same_moment_prints_what_the_node_answers(demo: RunningDemo, tmp_path: Path) -> None:
    lines = first_lines(start("same_moment.py", demo, tmp_path), 1)
    assert lines[0].startswith("demo ")
    assert "accepted" in lines[0] or "stack of 1 frames" in lines[0]


def shell(
    name: str, demo: RunningDemo, *arguments: str, node: str = "demo", programs: str = ""
) -> subprocess.CompletedProcess[str]:
    if shutil.which("mosquitto_pub") is None:
        pytest.skip("mosquitto's clients are not installed")
    environment = {**os.environ, "NODE": node, "BROKER": f"-h 127.0.0.1 -p {demo.port}"}
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    command = ["sh", str(REPOSITORY / "examples" / "shell" / name), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize(
    ("key", "value", "code", "said"),
    [
        ("night.gain", "7", 0, "OK: changed night.gain from 6 to 7"),
        ("night.gain", "70000", 1, "ERROR: night.gain: "),
        ("nigt.gain", "7", 1, "ERROR: invalid key nigt.gain"),
        ("export.formats", "png, jpg", 0, "OK: changed export.formats from jpg, png to png, jpg"),
        ("overlay.text", 'the \\ "door"', 0, 'OK: changed overlay.text from  to the \\ "door"'),
    ],
)
def test_set_says_what_became_of_it(demo: RunningDemo, key: str, value: str, code: int, said: str) -> None:
    done = shell("set.sh", demo, key, value)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith(said)


def test_a_node_that_is_not_there_is_named(demo: RunningDemo) -> None:
    done = shell("ask.sh", demo, "health", node="nobody")
    assert done.returncode == 1
    assert "nobody is not known there" in done.stderr


def test_a_picture_saved_between_the_reply_and_the_look_is_not_taken_for_the_one_asked_for(
    demo: RunningDemo, tmp_path: Path
) -> None:
    slow = tmp_path / "mosquitto_sub"
    slow.write_text(
        f"""#!/bin/sh
case $* in *media/last/image*) {REPOSITORY}/examples/shell/ask.sh save '"formats":["jpg"]' >/dev/null ;; esac
exec {shutil.which("mosquitto_sub")} "$@"
"""
    )
    slow.chmod(0o755)
    done = shell("past-picture.sh", demo, "1", programs=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "another picture was saved meanwhile\n")


def test_fields_that_are_no_json_are_answered_at_once(demo: RunningDemo) -> None:
    done = shell("past-picture.sh", demo, "a-while")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the payload is not JSON" in done.stderr


@pytest.mark.parametrize("name", ["ask.sh", "set.sh"])
def test_a_shell_example_says_what_it_takes(demo: RunningDemo, name: str) -> None:
    done = shell(name, demo)
    assert (done.returncode, done.stderr[:6]) == (2, "usage:")
