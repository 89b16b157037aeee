"""Supervises the nodes run by the console."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from pi_cam_node.base import parent_death
from pi_cam_node.base.clock import Clock
from pi_cam_node.console.config import ConsoleConfig
from pi_cam_node.console.config.cameras import CameraEntry
from pi_cam_node.console.supervisor import settings
from pi_cam_node.console.supervisor.child import LINE_MAX_BYTES, Child, Process

_log = logging.getLogger(__name__)


class Supervisor:
    """Supervisor of the child nodes, in the order of the file. Thread: the loop's.

    Args:
        cameras: The entries of ``cameras:``.
        config: The console's settings.
        clock: Tells the time.
    """

    def __init__(self, cameras: Sequence[CameraEntry], config: ConsoleConfig, clock: Clock) -> None:
        self._config = config
        self.children = [Child(entry.id, lambda entry=entry: self._spawn(entry), clock) for entry in cameras]  # type: ignore[misc]
        self._tasks: list[asyncio.Task[None]] = []
        self._readers: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start all children."""
        self._tasks = [asyncio.create_task(child.run(), name=f"node {child.name}") for child in self.children]

    async def stop(self) -> None:
        """Stop all children."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(child.stop() for child in self.children), return_exceptions=True)
        await asyncio.gather(*self._tasks, *self._readers, return_exceptions=True)

    async def _spawn(self, entry: CameraEntry) -> Process:
        file, environ = settings.prepare(entry, self._config, os.environ)
        own = [sys.executable, "-m", "pi_cam_node", "run", "--config", str(file)]
        command = parent_death.ending_with_this(own)
        path = os.pathsep.join(filter(None, sys.path))
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_MAX_BYTES,
            start_new_session=True,
            env={**environ, "PYTHONPATH": path},
        )
        reader = asyncio.create_task(_pass_on(entry.id, process))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        return process


async def _pass_on(name: str, process: asyncio.subprocess.Process) -> None:
    """Copy the output of a child to the log under the child's name."""
    assert process.stdout is not None
    node_log = logging.getLogger(f"node.{name}")
    while True:
        try:
            line = await process.stdout.readline()
        except ValueError:  # an overlong line is left out
            continue
        if not line:
            return
        node_log.info("%s", line.decode("utf-8", "replace").rstrip())
