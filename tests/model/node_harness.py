"""A whole node in one thread, with substitutes for link, worker, camera and disk that are stepped by the test.

Whoever adds a part to the node finds it here already: it is `pi_cam_node.runtime.node.Node` that is built.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock, patch

import numpy as np

from pi_cam_node.base.errors import Busy
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.base.threads import Job
from pi_cam_node.config import Config, loader
from pi_cam_node.core.events import Event, PictureSaved, Replied
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import WorkEnded
from pi_cam_node.imaging import task_functions
from pi_cam_node.imaging.frame import Demand, Mode
from pi_cam_node.imaging.shared_planes import PlanesStore
from pi_cam_node.mqtt.messages.incoming import Incoming
from pi_cam_node.runtime import node, parts, ports
from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.fakes.clock import FakeClock
from tests.support.frames import frame_of
from tests.support.model_broker import Broker, SteppedLink
from tests.support.model_disk import Disk

BASE = "pi_cam_node/porch"
JOBS_WAITING = 16
CLOSE_S = 30.0
VITALS = {"rss_mib": 61.5, "swap_pct": 0.0}


class StepWorker:
    """Worker that runs its jobs in the caller's thread, on request."""

    def __init__(self, inbox: Inbox, *_more: object) -> None:
        self._inbox = inbox
        self._numbers = itertools.count(1)
        self.loop = Mock()  # the heartbeat, which nothing watches here
        self.jobs: list[tuple[int, Job]] = []

    def start(self) -> None:
        return

    def stop(self, _deadline_s: float) -> tuple[int, ...]:
        return ()

    def submit(self, job: Job, _patience_s: float = 0.0, **_more: float) -> int:
        if len(self.jobs) >= JOBS_WAITING:
            raise Busy("too much work is waiting")
        self.jobs.append((next(self._numbers), job))
        return self.jobs[-1][0]

    def work(self) -> None:
        """Run the oldest job."""
        number, job = self.jobs.pop(0)
        try:
            ended = WorkEnded(number, result=job(lambda _done, _total: None))
        except Exception as error:
            ended = WorkEnded(number, error=error)
        self._inbox.put(ended)


class StubCamera:
    """Camera without frames of its own: the test puts them into the inbox, also while the camera is released.

    Attributes:
        wanted: The mode that was set last.
        is_held: The camera is released.
        planes: Stays empty, as without isolation.
    """

    pid = loop = None
    restarts = frames_skipped = 0
    is_stuck = False

    def __init__(self, config: Config, *_more: object) -> None:
        self.wanted: Mode = "day"
        self.is_held = config.privacy.enable
        self.planes = PlanesStore()

    def start(self) -> None:
        return

    def stop(self, _deadline_s: float) -> None:
        return

    def set_controls(self, controls: Any) -> None:
        self.wanted = controls.mode

    def reconfigure(self, _config: Config) -> None:
        return

    def demand(self, _after_mono_s: float, _demand: Demand) -> None:
        return  # every frame brings everything along

    def release(self) -> None:
        self.is_held = True

    def acquire(self) -> None:
        self.is_held = False

    def wait_released(self, _timeout_s: float) -> bool:
        return self.is_held


class _Tap:
    """A listener that passes every event on to a function."""

    def __init__(self, listen: Callable[[Event], None]) -> None:
        self._listen = listen

    def on_event(self, event: Event) -> None:
        self._listen(event)


class NodeHarness:
    """One run of the node.

    Attributes:
        told: Everything that the node told the outside, in order.
    """

    def __init__(
        self, path: Path, disk: Disk, clock: FakeClock, boot: int, keep: Callable[[PictureSaved], None]
    ) -> None:
        self.disk, self.clock = disk, clock
        self.told: list[Event] = []
        self._seq = itertools.count(1)
        loaded = loader.load(path, {})
        with ExitStack() as patched, disk.watched():
            for module, stand_ins in _stand_ins(boot).items():
                for name, stand_in in stand_ins.items():
                    patched.enter_context(patch.object(module, name, stand_in))
            self.node = node.Node(loaded, clock)

        def listen(event: Event) -> None:
            self.told.append(event)
            if isinstance(event, PictureSaved):
                keep(event)

        self.node._loop.listeners = [_Tap(listen), *self.node._loop.listeners]
        with disk.watched():
            self.node._start()
        self.settle()

    # ------------------------------------------------------------ its parts

    @property
    def link(self) -> SteppedLink:
        return self.node._parts.link  # type: ignore[return-value]

    @property
    def worker(self) -> StepWorker:
        return self.node._parts.worker  # type: ignore[return-value]

    @property
    def camera(self) -> StubCamera:
        return self.node._parts.camera  # type: ignore[return-value]

    @property
    def archive(self) -> PictureArchive:
        return self.node._parts.archive

    @property
    def config(self) -> Config:
        return self.node._core.config

    @property
    def camera_online(self) -> bool:
        return self.node._core.camera_online

    @property
    def is_trying(self) -> bool:
        """Whether settings are on trial."""
        return self.node._core.unproven is not None

    @property
    def board(self) -> dict[str, bytes]:
        """Retained state as the node has it."""
        return {message.topic: message.payload for message in self.node._announcer._retained.birth() if message.payload}

    # ------------------------------------------------------------ what happens to it

    def close(self) -> None:
        """End the threads that are real, with what they hold open; nothing else ends as a stop would end it."""
        assert self.node._parts.films.close(CLOSE_S), "the threads of recording end"
        self.node._parts.events.stop(CLOSE_S)

    def settle(self) -> None:
        """Process every waiting input, and what is due."""
        with self.disk.watched():
            while (message := self.node._parts.inbox.take(0)) is not None:
                self.node._loop.step(message)
            self.node._loop.step(None)

    def work(self) -> None:
        """Run every job of the worker, and those that follow from them."""
        while self.worker.jobs:
            with self.disk.watched():
                self.worker.work()
            self.settle()

    def pass_time(self, seconds: float) -> None:
        """Advance the time in steps, with a turn of the node after each."""
        for _ in range(max(1, round(seconds / 0.5))):
            self.clock.advance(min(0.5, seconds))
            self.settle()
            self.work()

    def see(self, count: int, level: int, every_s: float = 0.2) -> None:
        """Provide frames."""
        for _ in range(count):
            self.clock.advance(every_s)
            now_s = self.clock.monotonic()
            pixels = np.full((48, 64, 3), level, np.uint8)
            at = self.clock.utcnow()
            seq, mode = next(self._seq), self.camera.wanted
            self.node._parts.inbox.put_frame(frame_of(pixels, seq, now_s, at, mode=mode, raw=True, others=[92]))
            self.node._parts.inbox.wake_for_frames()
            self.settle()
            self.work()

    def put(self, arrival: Any) -> None:
        """Put an input of an adapter into the inbox."""
        self.node._parts.inbox.put(arrival)
        self.settle()

    def hear(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Deliver a message of the broker."""
        self.link.on_message(Incoming(topic, payload, retained=retained))
        self.settle()

    def meet(self, broker: Broker) -> None:
        """Accept the node's connection at the broker."""
        topics = self.node._parts.topics
        self.link.meet(broker, lambda topic: topics.parse(topic) is not None)
        self.settle()

    def finals(self, name: str) -> list[Mapping[str, object]]:
        """Return the final replies to the commands of an id."""
        replies = [fact.body for fact in self.told if isinstance(fact, Replied)]
        return [body for body in replies if body["id"] == name and body["stage"] == "final"]


def _stand_ins(boot: int) -> Mapping[ModuleType, Mapping[str, Any]]:
    """Return what the modules of the composition root build instead, by module and name."""
    return {
        parts: {
            "BrokerLink": SteppedLink,
            "Worker": StepWorker,
            "Camera": StubCamera,
            "TaskProcess": lambda **_more: Mock(run=task_functions.run),
            "PictureArchive": partial(PictureArchive, clock_set=lambda: True),
        },
        ports: {"SystemMetrics": lambda *_more: type("NoVitals", (), {"read": lambda _self: VITALS})()},
        node: {
            "Watchdog": lambda *_more: Mock(due_s=NEVER_S),
            "process": Mock(new_boot_id=lambda: f"{boot:08x}"),
            "memory": Mock(available_bytes=lambda: 256 << 20),
        },
    }
