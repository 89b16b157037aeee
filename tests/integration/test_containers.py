"""Dockerfile and docker-compose.yml, checked statically, without a container engine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.config.loader import load
from pi_cam_node.console.config.loader import load as load_console
from tests.support.broker import StartBroker, free_port, wait_until
from tests.support.running_node import REPOSITORY, RunningNode

COMPOSE = REPOSITORY / "docker-compose.yml"
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
GIVEN = {"CAMERA": "synthetic", "NODE_PASSWORD": "one", "CONSOLE_PASSWORD": "two", "TZ": "Europe/Berlin"}


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def environment_of(service: str) -> dict[str, str]:
    """The variables of a service, as compose fills them in."""
    filled = {}
    for key, value in services()[service]["environment"].items():
        filled[key] = re.sub(r"\$\{(\w+)(?::?[-?]([^}]*))?\}", lambda m: GIVEN.get(m[1], m[2]), str(value))
    return filled


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.broker.yml"])
def test_the_compose_file_is_one(name: str, tmp_path: Path) -> None:
    tool = REPOSITORY.parent / "shared" / "tools" / "clients" / "compose_check.py"
    if not tool.is_file():
        pytest.skip("../shared/tools/clients is not here")
    if importlib.util.find_spec("check_jsonschema") is None:
        pytest.skip("check-jsonschema, which has the schema of compose files, is not installed")
    for path in REPOSITORY.iterdir():
        if path.name.startswith(("docker", "Dockerfile")):
            (tmp_path / path.name).symlink_to(path)
    if name != "docker-compose.broker.yml":
        # docker-compose 1.29, which the tool asks where it is installed, knows no `name` in a file that is extended.
        (tmp_path / "docker-compose.broker.yml").unlink()
        extended = yaml.safe_load((REPOSITORY / "docker-compose.broker.yml").read_text())
        del extended["name"]
        (tmp_path / "docker-compose.broker.yml").write_text(yaml.safe_dump(extended))
    command = [sys.executable, str(tool), name, *(word for item in GIVEN.items() for word in ("--env", "=".join(item)))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_is_a_setting_and_the_files_of_the_image_are_valid(tmp_path: Path) -> None:
    assert environment_of("console")["TZ"] == "Europe/Berlin", "its rules go by local time"
    for key in environment_of("node"):
        assert key.removeprefix("PI_CAM_NODE__").replace("__", ".").lower() in catalogue()
    state = {"STATE_DIRECTORY": str(tmp_path)}
    config = load(REPOSITORY / "docker" / "node" / "config.yaml", environment_of("node") | state).config
    assert (config.node.id, config.mqtt.host, config.mqtt.username, config.http.host) == (
        "porch",
        "broker",
        "porch",
        "0.0.0.0",
    )
    assert config.export.base_dir == tmp_path / "captures"
    console = load_console(REPOSITORY / "docker" / "console" / "console.yaml", environment_of("console")).config
    assert (console.console.id, console.mqtt.username) == ("house", "console")


def test_the_image_copies_what_is_there_and_the_node_keeps_its_volumes() -> None:
    for line in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (REPOSITORY / source).exists(), source
    kept = re.findall(r'"([^"]+)"', re.findall(r"^VOLUME \[(.+)\]", DOCKERFILE, re.MULTILINE)[0])
    for service in ("node", "console"):
        mounts = services()[service]["volumes"]
        assert sorted(mount.split(":")[1] for mount in mounts) == sorted(kept)
        assert services()[service]["read_only"]
    assert "USER 10001" in DOCKERFILE


def test_the_limits_are_those_of_the_unit() -> None:
    unit = (REPOSITORY / "systemd" / "pi-cam-node.service").read_text()
    node = services()["node"]
    assert f"MemoryMax={node['mem_limit'].upper()}" in unit
    assert f"TasksMax={node['pids_limit']}" in unit
    assert f"TimeoutStopSec={node['stop_grace_period'].removesuffix('s')}" in unit


def test_the_dockerfile_has_no_fault_that_a_linter_knows() -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not installed")
    subprocess.run(["hadolint", str(REPOSITORY / "Dockerfile")], check=True, timeout=60)


def _as_in_a_container(*command: str) -> list[str]:
    """A command that runs another where /dev/shm has room for one page."""
    return ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=4k tmpfs /dev/shm && exec "$@"', "sh", *command]


def test_a_node_needs_no_shared_memory_and_the_health_check_tells_how_it_is(
    start_broker: StartBroker, tmp_path: Path
) -> None:
    if os.geteuid() != 0 or subprocess.run(_as_in_a_container("true"), check=False, capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")
    port = free_port()
    check = re.findall(r"^ +CMD \[\"python\", \"-c\", \"(.+)\"\]$", DOCKERFILE, re.MULTILINE)[0]
    assert check.replace("8080", "8090") in services()["console"]["healthcheck"]["test"]

    def is_well() -> bool:
        command = [sys.executable, "-c", check.replace("8080", str(port))]
        return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0

    assert not is_well()
    within = _as_in_a_container()
    page = {"enable": True, "port": port}
    with RunningNode(tmp_path, start_broker().port, within=within, mjpeg_server=page) as node:
        wait_until(lambda: is_well() or not node.running, "a healthy node", 90)
        assert node.running, node.log()
        assert node.camera_pid() is not None
