"""Observations of a running node: its HTTP interface, the memory of its processes, its saved pictures."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from pi_cam_node.base.units import MIB
from tests.support.broker import free_port
from tests.support.running_node import RunningNode


class HttpProbe:
    """The HTTP interface of a node that runs here."""

    def __init__(self) -> None:
        self.port = free_port()

    @property
    def section(self) -> dict[str, Any]:
        """The settings that open it."""
        return {"enable": True, "port": self.port}

    def get(self, path: str) -> bytes:
        """Return the body of an answer; empty while there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return bytes(answer.read())
        except (OSError, urllib.error.URLError):
            return b""

    def frames(self) -> int:
        """Return how many frames came through since the node started."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/snapshot.jpg", timeout=60) as answer:
            number = int(answer.headers["X-Frame-Id"])
        return number - int(self.state()["telemetry"].get("frames_dropped", 0))

    def state(self) -> dict[str, Any]:
        """Return the body of `/api/state`; empty while there is no answer."""
        body = self.get("/api/state")
        return dict(json.loads(body)) if body else {}

    def fault(self) -> str:
        """Return the fault in the node's state."""
        return str(self.state().get("states", {}).get("last_error", ""))


def resident_mib(pid: int) -> float:
    """Return the memory of a process and its children in MiB (RSS, shared pages counted in each).

    For telling how it grows: PSS moves whenever another program begins or ends to share a library.
    """
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(process.memory_info().rss for process in processes) / MIB


def pictures(node: RunningNode) -> list[Path]:
    """Return the pictures that a node saved."""
    return sorted((node.folder / "captures").glob("*.jpg"))
