"""A real Node-RED on a loopback port; tests are skipped if it cannot be installed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import free_port, wait_until

TOOLS = Path(__file__).parents[2].parent / "shared" / "tools" / "node-red"
INSTALLED = Path(os.environ.get("NR_DIR", "/tmp/nodered/nr"))  # the folder that the tool uses
INSTALL_S, START_S = 300.0, 180.0
FLOW = Path(__file__).parents[2] / "examples" / "node-red" / "flow.json"
DASHBOARD = FLOW.with_name("dashboard.json")


class NodeRed:
    """A running Node-RED.

    Args:
        port: Its port.
        log: File of its output.
    """

    def __init__(self, port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = log

    def import_flows(self, flows: object) -> None:
        """Replace all flows, as *Import* and *Deploy* in the editor do."""
        headers = {"Content-Type": "application/json", "Node-RED-Deployment-Type": "full"}
        self._open("/flows", json.dumps(flows).encode(), headers)

    def press(self, node_id: str) -> None:
        """Press the button of an inject node."""
        self._open(f"/inject/{node_id}", b"")

    def get(self, path: str) -> bytes:
        """Return a body; empty if the response is an error."""
        try:
            return self._open(path)
        except urllib.error.URLError:
            return b""

    def flow_value(self, tab: str, key: str) -> object:
        """Return a value of the flow's context."""
        body = self.get(f"/context/flow/{tab}/{key}")
        stored = json.loads(body) if body else {}
        is_json = stored.get("format", "").lower().startswith(("object", "array"))
        return json.loads(stored["msg"]) if is_json else stored.get("msg")

    def flow_object(self, tab: str, key: str) -> dict[str, Any]:
        """Return an object of the flow's context; an empty one if it is not there."""
        found = self.flow_value(tab, key)
        return found if isinstance(found, dict) else {}

    def flow_list(self, tab: str, key: str) -> list[dict[str, Any]]:
        """Return a list of the flow's context; an empty one if it is not there."""
        found = self.flow_value(tab, key)
        return found if isinstance(found, list) else []

    def _open(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, body, headers or {})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())


def flow_for(port: int, file: Path = FLOW) -> list[dict[str, Any]]:
    """Return a flow with the broker's port in it, the only change."""
    nodes: list[dict[str, Any]] = json.loads(file.read_text())
    for node in nodes:
        if node["type"] == "mqtt-broker":
            node["port"] = str(port)
    return nodes


@contextmanager
def running_node_red(folder: Path) -> Iterator[NodeRed]:
    """Start an empty Node-RED; install it the first time."""
    program = INSTALLED / "node_modules" / "node-red" / "red.js"
    if not TOOLS.exists() or shutil.which("node") is None:
        pytest.skip(f"there is no {TOOLS.name} folder beside the repository, or no node")
    if reason := _install(program):
        pytest.skip(f"Node-RED cannot be installed here: {reason}")
    port, log = free_port(), folder / "node-red.log"
    command = ["node", str(program), "--userDir", str(folder), "--settings", str(TOOLS / "settings.js")]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, "NR_PORT": str(port)}, stdout=out, stderr=out)
    node_red = NodeRed(port, log)
    try:
        wait_until(lambda: node_red.get("/settings"), "Node-RED", START_S)
        yield node_red
    finally:
        process.terminate()
        process.wait(20)


def _install(program: Path) -> str:
    """Install Node-RED if missing, one process at a time; return why that failed, else an empty text."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return ""
        install = [str(TOOLS / "nodered.sh"), "install"]
        try:
            done = subprocess.run(install, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            return f"npm is not done within {INSTALL_S:g} s"
        return done.stderr.strip()[-200:] if done.returncode else ""
