"""Simulated nodes: publish the recorded messages of a real node with other ids, and reply to commands."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from benchmarks.fleet.wire import Connection

BASE = "pi_cam_node"
# Wait of a real node after losing the broker (mqtt/connection/backoff.py).
RECONNECT_S = (0.5, 7.5)
# Topics with pictures are published at connect only: this is no test of a thousand pictures per second.
IMAGES = ("frame", "media/last/image", "media/thumbnail", "media/last")


@dataclass(frozen=True)
class Script:
    """Recorded messages of a real node, on topics below its own.

    Attributes:
        retained: Its retained messages, by topic below the node.
        spoken: Its messages within `seconds`: seconds since the start, topic below the node, payload, retained.
        seconds: Length of the recording.
    """

    retained: dict[str, bytes]
    spoken: Sequence[tuple[float, str, bytes, bool]]
    seconds: float

    @property
    def rate_hz(self) -> float:
        """Messages per second."""
        return len(self.spoken) / self.seconds


class SimulatedNode:
    """A node without a camera.

    Args:
        number: Number in its id.
        port: Port of the broker.
        script: Messages to publish.
    """

    def __init__(self, number: int, port: int, script: Script) -> None:
        self.id = f"sim-{number:04}"
        self._root = f"{BASE}/{self.id}"
        self._port = port
        self._script = script
        self._random = random.Random(number)
        self._connection: Connection | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self.sent = 0

    async def run(self) -> None:
        """Run until cancelled; reconnect whenever the broker is lost."""
        while True:
            connection = Connection(self._port, self.id, self._hear, (f"{self._root}/availability", b"offline"))
            try:
                await connection.open()
                self._connection = connection
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._end_with(connection))
                    group.create_task(self._speak(connection))
            except* OSError:
                pause_s = self._random.uniform(*RECONNECT_S)
            except* asyncio.CancelledError:
                connection.close()
                raise
            else:
                pause_s = 0.0
            await asyncio.sleep(pause_s)

    async def _end_with(self, connection: Connection) -> None:
        await connection.run()
        raise ConnectionResetError("the broker has gone")

    async def _speak(self, connection: Connection) -> None:
        await connection.subscribe([f"{self._root}/cmd/+", f"{BASE}/all/cmd/+", f"{BASE}/group/sim/cmd/+"])
        for topic, payload in self._script.retained.items():
            await connection.publish(f"{self._root}/{topic}", payload, retain=True)
        await connection.publish(f"{self._root}/availability", b"online", retain=True, qos=1)
        await asyncio.sleep(self._random.uniform(0, self._script.seconds))  # not all at the same moment
        while True:
            at_s = 0.0
            for when_s, topic, payload, retain in self._script.spoken:
                await asyncio.sleep(max(0.0, when_s - at_s))
                at_s = when_s
                await connection.publish(f"{self._root}/{topic}", payload, retain=retain)
                self.sent += 1
            await asyncio.sleep(max(0.05, self._script.seconds - at_s))

    def _hear(self, topic: str, payload: bytes) -> None:
        verb = topic.rpartition("/")[2]
        try:
            told = json.loads(payload)
        except ValueError:
            told = {}
        name = told.get("id") if isinstance(told, dict) else None
        if verb == "health" and self._connection is not None:
            reply = {"id": name, "ok": True, "stage": "final", "code": "ok", "message": "OK"}
            answer = self._answer(self._connection, f"{self._root}/reply/{verb}", json.dumps(reply).encode())
            task = asyncio.get_running_loop().create_task(answer)
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def _answer(self, connection: Connection, topic: str, reply: bytes) -> None:
        with suppress(OSError):  # the client has lost the broker, too
            await connection.publish(topic, reply, qos=1)
