"""Options of ``scripts/install``: invalid values are refused before anything is changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.config import loader
from tests.support.documents import REPOSITORY

SETTINGS = {"--node": "node.id", "--port": "mqtt.port", "--base-topic": "mqtt.base_topic", "--camera": "camera.source"}


def run(folder: Path, *words: str) -> str:
    """Return the script's message without root: that it needs root, or a fault of the options."""
    program = folder / "bin" / "id"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\necho 1000\n")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    command = [str(REPOSITORY / "scripts" / "install"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--name", "y" * 65], "--name has 65 characters; 64 are allowed"),
        (["--name", "Yard"], "made of a-z, 0-9, _ and -"),
        (["--name", "h\u00f6f"], "made of a-z, 0-9, _ and -"),
        (["--name", "../yard"], "made of a-z, 0-9, _ and -"),
        (["--name", "a b"], "made of a-z, 0-9, _ and -"),
        (["--name", "a\nb"], "made of a-z, 0-9, _ and -"),
        (["--name", "console"], "a meaning of its own"),
        (["--name", "all"], "a meaning of its own"),
        (["--name", ""], "--name has no value"),
        (["--name="], "--name has no value"),
        (["--name"], "--name needs a value"),
        (["--name", "--camera", "auto"], "--camera looks like an option"),
        (["--host", ""], "--host has no value"),
        (["--password-file="], "--password-file has no value"),
        (["--host", "mqtt://broker.lan"], "a host name or an address"),
        (["--password-file", "{tmp}"], "is a folder"),
        (["--password-file", "{tmp}/missing"], "cannot be read"),
        (["--rollback", "--name", "yard"], "it takes no other option"),
        (["--port", "1883x"], "a number from 1 to 65535"),
        (["--port", "9" * 30], "a number from 1 to 65535"),
        (["--prot", "1"], "unknown option --prot"),
    ],
)
def test_what_makes_no_sense_is_said_at_once(words: list[str], why: str, tmp_path: Path) -> None:
    assert why in run(tmp_path, *(word.replace("{tmp}", str(tmp_path)) for word in words))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--node", value) for value in ("porch", "a" * 64, "a" * 65, "all", "group", "Porch", "a.b", "_", "0")),
        *(("--port", value) for value in ("1", "0", "65535", "65536", "08883")),
        *(
            ("--base-topic", value)
            for value in ("house/cams", "a" * 128, "a" * 129, "a//b", "/a", "a/", "a+", "#", "$x")
        ),
        *(
            ("--camera", value)
            for value in ("auto", "picamera2", "picamera2:imx708", "rtsp://cam/?a=", "v4l2:/dev/video0", "synthetic")
        ),
        *(("--camera", value) for value in ("synthetic?loss=blank", "file:a.y4m", "RTSP://cam/1", "https://cam/x")),
        *(("--camera", value) for value in ("/dev/video0", "v4l2", "v4l2:", "rtsp:", "rtsp://", "ftp://cam", "csi")),
    ],
)
def test_the_script_and_the_settings_refuse_the_same(option: str, value: str, tmp_path: Path) -> None:
    section, _, key = SETTINGS[option].partition(".")
    text = f"{section}: {{{key}: {value if option == '--port' else repr(value)}}}\n"
    try:
        loader.load(tmp_path / "config.yaml", {}, text.encode())
        is_taken = True
    except ConfigError:
        is_taken = False
    assert ("root must do this" in run(tmp_path, option, value)) == is_taken


def test_an_empty_login_name_is_none(tmp_path: Path) -> None:
    assert "root must do this" in run(tmp_path, "--username", "", "--host", "[::1]:1883", "--name", "yard_2")
