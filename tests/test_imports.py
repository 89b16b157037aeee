"""Which modules are imported at start, as each library costs memory and time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.broker import free_port

# Modules that libraries import for features that are not used.
BY_LIBRARIES = {"subprocess", "locale", "pickle", "platform"}


def imported_with(module: str) -> set[str]:
    """Return the top-level names of everything that a fresh interpreter imports along with a module."""
    script = f"import {module}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        (
            "pi_cam_node.camera.worker.child_main",
            {"pydantic", "pydantic_core", "cv2", "PIL", "yaml", "paho", "aiohttp", "asyncio", "ssl", *BY_LIBRARIES},
        ),
        ("pi_cam_node.camera.sources.picam.source", {"pydantic", "cv2", "picamera2"}),
        ("pi_cam_node.runtime.node", {"numpy", "simplejpeg", "cv2", "aiohttp", "picamera2", "PIL", "psutil"}),
        ("pi_cam_node.web.application", {"numpy", "simplejpeg", "cv2", "PIL"}),
        ("pi_cam_node.imaging.task_process", {"numpy", "pydantic", "cv2", "PIL"}),
        ("pi_cam_node.cli.main", {"numpy", "pydantic", "cv2"}),
    ],
)
def test_nothing_is_imported_before_it_is_used(module: str, unwanted: set[str]) -> None:
    assert not imported_with(module) & unwanted


def test_a_running_node_has_nothing_that_only_its_libraries_could_want(tmp_path: Path) -> None:
    """Each takes memory for as long as the node runs: together 3 MB."""
    config = tmp_path / "node.yaml"
    config.write_text(
        "mqtt: {host: 127.0.0.1, port: 1}\ncamera: {source: synthetic}\n"
        f"mjpeg_server: {{port: {free_port()}}}\nexport: {{base_dir: {tmp_path}}}\n"
    )
    command = [sys.executable, "-X", "importtime", "-m", "pi_cam_node", "run", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as node:
        assert node.stderr is not None
        said = iter(node.stderr.readline, "")
        lines = []
        for line in said:
            lines.append(line)
            if "it is day" in line:
                node.terminate()
        assert node.wait(30) == 0, "".join(lines[-20:])
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert {"pi_cam_node.runtime.node", "pydantic", "paho.mqtt.client", "pydantic.plugin._loader"} <= imported
    unwanted = {
        "importlib.metadata", "zipfile", "csv", "email", "email.message", "urllib.request", "http.client", "argparse",
        "gettext", "shutil", "tempfile", "difflib", "logging.handlers", "pickle", "psutil", "numpy", "cv2",
    }  # fmt: skip
    assert not imported & unwanted
    assert not [name for name in imported if name.startswith("_sysconfigdata")]


@pytest.mark.parametrize(
    "module",
    [
        "imaging.opencv",
        "imaging.motion.pacing",
        "camera.sources.synthetic.scene",
        "camera.sources.video_file",
        "camera.sources.rtsp",
        "camera.sources.v4l2",
    ],
)
def test_opencv_has_one_thread_whoever_brings_it(module: str) -> None:
    script = f"import pi_cam_node.{module}, cv2; print(cv2.getNumThreads())"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "1"
