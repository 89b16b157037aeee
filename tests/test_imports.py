"""What is imported before it is used: each library costs memory, and on a small board seconds at start."""

from __future__ import annotations

import subprocess
import sys

import pytest


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
            {"pydantic", "pydantic_core", "cv2", "PIL", "yaml", "paho", "aiohttp", "asyncio", "ssl"},
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


@pytest.mark.parametrize(
    "module",
    [
        "imaging.opencv",
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
