"""Measures a fleet: connecting, load, one command to all nodes, simultaneous pictures, and loss of the broker."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import accounting
from benchmarks.bench import say
from benchmarks.fleet import real
from benchmarks.fleet.brokers import choose
from benchmarks.fleet.real import RealNode
from benchmarks.fleet.simulated import BASE, IMAGES, Script, SimulatedNode
from benchmarks.fleet.watcher import Watcher

ONLINE_S, SETTLE_S, RECORD_S = 150.0, 2.0, 12.0
PAST_S = 3.0
# Nodes that start at the same time, as all share one machine's CPUs.
STARTING_MAX = 4
# Topics whose values change by themselves, and are not compared after a loss.
FLEETING = ("telemetry", "state/")


@dataclass(frozen=True)
class Asked:
    """Parameters of a run.

    Attributes:
        broker: Kind of the broker.
        real: Number of real nodes.
        simulated: Number of simulated ones.
        seconds: Length of the load phase.
        framerate_hz: Pictures a second of the real nodes' cameras.
    """

    broker: str
    real: int
    simulated: int
    seconds: float
    framerate_hz: float

    @property
    def nodes(self) -> int:
        """Number of all nodes."""
        return self.real + self.simulated


class Fleet:
    """A broker, real and simulated nodes, and a client that watches them all.

    Args:
        asked: Parameters of the run.
        folder: Folder for files.
        stack: Closes the processes.
    """

    def __init__(self, asked: Asked, folder: Path, stack: ExitStack) -> None:
        self.asked, self.folder = asked, folder
        self.kind = choose(asked.broker)
        self.broker = self.kind.make(folder)
        self.port = self.broker.port
        self._stack = stack
        stack.enter_context(self.broker)
        self.nodes: list[RealNode] = []
        self.simulated: list[SimulatedNode] = []
        self.watcher = Watcher(self.port, finds_by_wildcard=self.kind.finds_by_wildcard)
        self.tasks: list[asyncio.Task[None]] = []
        self._wanted: set[str] = set()
        # Set from the start, also for a run that ends early.
        self.figures: dict[str, Any] = {name: getattr(asked, name) for name in ("broker", "real", "simulated")}

    async def run(self) -> dict[str, Any]:
        """Run all phases; return the figures."""
        figures = self.figures
        try:
            await self.watcher.open()
            say(f"{self.asked.real} real nodes")
            figures["real_online_s"] = await self._start_real()
            say(f"what one of them says in {RECORD_S:g} s")
            script = await self._record()
            figures["messages_per_node_hz"] = script.rate_hz
            say(f"{self.asked.simulated} simulated nodes")
            figures["all_online_s"] = await self._start_simulated(script)
            for what, phase in (
                (f"{self.asked.seconds:g} s of load", self._load),
                ("one command to all", self._ask_all),
                ("one instant of all", self._ask_instant),
                ("the broker is lost", self._lose_broker),
            ):
                say(what)
                figures |= await phase()
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await self.watcher.close()
        return figures

    async def _start_real(self) -> float:
        """Start the real nodes, recording the first one's messages; return the seconds that it took."""
        await self.watcher.listen(f"{real.FIRST}/#")
        began_s = time.monotonic()
        for number in range(1, self.asked.real + 1):
            await self.watcher.wait_online(number - STARTING_MAX, ONLINE_S)
            node = real.start(number, self.port, self.folder, self.kind.protocol, self.asked.framerate_hz)
            self._stack.callback(node.close)
            self.nodes.append(node)
        await self.watcher.wait_online(self.asked.real, ONLINE_S)
        return time.monotonic() - began_s

    async def _record(self) -> Script:
        """Record the retained messages of the first real node, and those that it publishes."""
        root = f"{BASE}/{real.FIRST}/"
        await asyncio.sleep(SETTLE_S)
        retained = {topic: payload for topic, payload in self.watcher.table[real.FIRST].items() if payload}
        retained = {topic: payload for topic, payload in retained.items() if is_kept(topic) or topic in IMAGES}
        retained.pop("availability")
        self.watcher.heard.clear()
        began_s = time.monotonic()
        await asyncio.sleep(RECORD_S)
        await self.watcher.leave(f"{real.FIRST}/#")
        spoken = [
            (at_s - began_s, topic.removeprefix(root), payload, topic.removeprefix(root) in retained)
            for at_s, topic, payload in self.watcher.heard
            if topic.startswith(root)
            # Other topics change only once, by settings or the board, and would make retained values differ.
            if topic.removeprefix(root).startswith((*FLEETING, "event/"))
        ]
        self._wanted = {"availability", *(topic for topic in retained if is_kept(topic))}
        return Script(retained, spoken, RECORD_S)

    async def _start_simulated(self, script: Script) -> float:
        self.simulated = [SimulatedNode(number, self.port, script) for number in range(self.asked.simulated)]
        self.tasks = [asyncio.create_task(node.run()) for node in self.simulated]
        return await self.watcher.wait_online(self.asked.nodes, ONLINE_S)

    def _sent(self) -> int:
        return sum(node.sent for node in self.simulated)

    async def _load(self) -> dict[str, Any]:
        """Measure the load of nodes and broker while all nodes publish."""
        pids = [node.pid for node in self.nodes]
        broker = self.broker.pid
        await self.watcher.listen(*(f"{node.id}/telemetry" for node in self.nodes))
        before = [accounting.cpu_s(pid) for pid in (*pids, broker)]
        messages, began_s = self._sent(), time.monotonic()
        await asyncio.sleep(self.asked.seconds)
        took_s = time.monotonic() - began_s
        await self.watcher.leave(*(f"{node.id}/telemetry" for node in self.nodes))
        spent = [(accounting.cpu_s(pid) - was) / took_s * 100 for pid, was in zip((*pids, broker), before, strict=True)]
        memory_mib = [accounting.pss_mib(pid) for pid in pids]
        said = [self.watcher.table[node.id].get("telemetry") for node in self.nodes]
        return {
            "simulated_messages_hz": (self._sent() - messages) / took_s,
            "node_cpu_percent": statistics.median(spent[:-1]),
            "node_pss_mib": statistics.median(memory_mib),
            "nodes_cpu_percent": sum(spent[:-1]),
            "nodes_pss_mib": sum(memory_mib),
            "slowest_fps": min((json.loads(one)["fps"] for one in said if one), default=None),
            "broker_cpu_percent": spent[-1],
            "broker_pss_mib": accounting.pss_mib(broker),
        }

    async def _ask_all(self) -> dict[str, Any]:
        """Send one command to all nodes, and one to a group; return replies and their times."""
        replies = await self.watcher.ask_all("health", self.asked.nodes)
        times_s = sorted(at_s for at_s, _ in replies.values())
        group = await self.watcher.ask_all("health", self.asked.real, to=f"group/{real.GROUP}")
        return {
            "answered": len(replies),
            "answered_median_s": statistics.median(times_s) if times_s else None,
            "answered_last_s": times_s[-1] if times_s else None,
            "group_answered": sorted(group),
        }

    async def _ask_instant(self) -> dict[str, Any]:
        """Request pictures of the same time from all real nodes; return their time differences."""
        instant = datetime.now(UTC) - timedelta(seconds=PAST_S)
        asked = {"at": instant.isoformat(), "count": 1, "formats": ["jpg"]}
        replies = await self.watcher.ask_all("pastStack", self.asked.real, asked)
        offsets_ms = [shown_ms - 1000 * instant.timestamp() for shown_ms in moments_ms(replies)]
        return {
            "instant_answered": len(offsets_ms),
            "instant_spread_ms": max(offsets_ms) - min(offsets_ms) if offsets_ms else None,
            "instant_offset_ms": max(map(abs, offsets_ms)) if offsets_ms else None,
        }

    async def _lose_broker(self) -> dict[str, Any]:
        """Restart the broker without its data; return the time until the fleet has recovered, and differences."""
        before = await self._kept()
        self.broker.__exit__(None, None, None)
        await self.watcher.close()
        await asyncio.to_thread(self.broker.__enter__)
        self.watcher = Watcher(self.port, "watcher-again", finds_by_wildcard=self.kind.finds_by_wildcard)
        began_s = time.monotonic()
        await self.watcher.open(before)
        back_s = await self.watcher.wait_online(self.asked.nodes, ONLINE_S)
        left = differing(before, await self._kept())
        return {
            "back_online_s": back_s,
            "consistent_s": None if left else time.monotonic() - began_s,
            "differing": left[:20],
        }

    async def _kept(self) -> dict[str, dict[str, bytes]]:
        """Return the retained messages of every node, fetched node by node."""
        online = sorted(self.watcher.online())
        return {node: dict(await self.watcher.look(node, self._wanted)) for node in online}


def moments_ms(replies: dict[str, tuple[float, dict[str, Any]]]) -> list[float]:
    """Return the capture times of the saved frames, in UTC epoch milliseconds."""
    return [reply["data"]["first_epoch_ms"] for _, reply in replies.values() if reply["ok"]]


def differing(before: dict[str, dict[str, bytes]], after: dict[str, dict[str, bytes]]) -> list[str]:
    """Return the retained topics that are missing afterwards, or have another value that time does not explain."""
    return [
        f"{node}/{topic}"
        for node, topics in before.items()
        for topic, payload in topics.items()
        if is_kept(topic) and not _is_alike(topic, payload, after.get(node, {}).get(topic))
    ]


def is_kept(topic: str) -> bool:
    """Tell whether a topic is retained permanently; others are for single messages, or pictures."""
    return not topic.startswith(("event/", "reply/", "media/", "frame", "telemetry", "probe"))


def _is_alike(topic: str, before: bytes, after: bytes | None) -> bool:
    if after is None or topic.startswith(FLEETING):
        return after is not None
    return _lasting(topic, before) == _lasting(topic, after)


def _lasting(topic: str, payload: bytes) -> object:
    """Return a payload without the number of the broker session."""
    if topic != "info":
        return payload
    return {key: value for key, value in json.loads(payload).items() if key != "session"}


def lines_of(figures: dict[str, Any]) -> Sequence[str]:
    """Format figures for a terminal."""
    return [f"{name:24} {_shown(value)}" for name, value in figures.items()]


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
