"""The text port with a core, and clients that behave like those of the predecessor service."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any

import numpy as np

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.threads import Job
from pi_cam_node.config import Config
from pi_cam_node.core.core import Core
from pi_cam_node.core.inbox import FRAMES_WAITING, Inbox
from pi_cam_node.core.inputs import WorkEnded
from pi_cam_node.core.ports import Ports
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.core.recent_events import RecentEvents
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.tcp.connection import Timeouts
from pi_cam_node.tcp.server import TextPort
from tests.support.broker import HOST, wait_until
from tests.support.core_harness import FakePrivacyPort, MemoryArchive
from tests.support.fakes.ports import NO_LINKS, NoRecorder
from tests.support.frames import IMAGES, frame_of

SHORT = Timeouts(silence_s=0.1, linger_s=5.0, bind_s=0.1)


def config_for(port: int) -> Config:
    """Return settings with the port open."""
    return Config.model_validate({"network": {"trigger_enable": True, "trigger_port": port}})


def connected(port: int) -> socket.socket:
    """Return a connection, as soon as the port is open."""
    opened: list[socket.socket] = []

    def try_it() -> bool:
        try:
            opened.append(socket.create_connection((HOST, port), 10))
        except ConnectionRefusedError:
            return False
        return True

    wait_until(try_it, "the port")
    return opened[0]


class StubNode:
    """A core, the text port, and a thread that replaces the node thread."""

    def __init__(self, timeouts: Timeouts, port: int) -> None:
        self.config = config_for(port)
        self.clock = SystemClock()
        self.inbox = Inbox()
        self.port = port
        gate = PrivacyGate()
        self.trigger = TextPort(self.config, self.inbox, self.clock, gate, timeouts)
        self.frozen = threading.Event()
        self._jobs: list[tuple[int, Job]] = []
        vitals = {"rss_mib": 1.0, "swap_pct": 0.0}
        privacy_port = FakePrivacyPort(gate)
        ports = Ports(
            MemoryArchive(),
            self._submit,
            lambda: vitals,
            self._no_file,
            print,
            privacy_port,
            IMAGES,
            lambda _after_mono_s, _demand: None,
            url_of=lambda _media_id: None,
            links=NO_LINKS,
            tickets=Tickets(self.clock),
            events=RecentEvents(),
            recorder=NoRecorder(),
        )
        self.core = Core(self.config, self.clock, ports, boot_id="3f2a91c0", budget_bytes=1 << 28, node_id="porch")
        self._seq = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="little-node")

    def start(self) -> StubNode:
        self.trigger.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        self._ending.set()
        self._thread.join(10)
        self.trigger.close(2)
        assert not any(thread.name == "tcp-trigger" for thread in threading.enumerate())

    def see(self, count: int = 1) -> None:
        """Provide frames, and wait until they are in the ring."""
        for number in range(1, count + 1):
            self._seq += 1
            now_s = self.clock.monotonic()
            pixels = np.full((48, 64, 3), self._seq % 256, np.uint8)
            at = self.clock.utcnow()
            self.inbox.put_frame(frame_of(pixels, self._seq, now_s, at, exposed_mono_s=now_s, raw=True, others=[92]))
            self.inbox.wake_for_frames()
            if number % FRAMES_WAITING == 0 or number == count:
                wait_until(self._has_seen, "frames in the ring")

    def _has_seen(self) -> bool:
        latest = self.core.latest
        return latest is not None and latest.seq == self._seq

    def connect(self) -> socket.socket:
        """Return a connection, as soon as the port is open."""
        return connected(self.port)

    def ask(self, sent: bytes) -> bytes:
        """Send bytes as an old client does, without closing; return the whole answer."""
        with self.connect() as client:
            client.sendall(sent)
            return everything(client)

    def _run(self) -> None:
        while not self._ending.is_set():
            if self.frozen.is_set():
                self._ending.wait(0.01)
                continue
            self._step(self.inbox.take(0.01))
            jobs, self._jobs = self._jobs, []
            for number, job in jobs:
                try:
                    self._step(WorkEnded(number, result=job(lambda _done, _total: None)))
                except OSError as error:
                    self._step(WorkEnded(number, error=error))
        for fact in self.core.close():
            self.trigger.on_event(fact)

    def _step(self, message: Any) -> None:
        for fact in self.core.step(message):
            self.trigger.on_event(fact)

    def _submit(self, job: Job) -> int:
        self._jobs.append((len(self._jobs) + 1, job))
        return len(self._jobs)

    def _no_file(self, config: Config) -> Any:
        raise OSError("there is no file")


def everything(client: socket.socket) -> bytes:
    """Read up to the end of the stream."""
    came = bytearray()
    while data := client.recv(65536):
        came += data
    return bytes(came)


def frames_and_rest(data: bytes) -> tuple[list[bytes], bytes]:
    """Parse a shortstream as old clients do; return its frames and the data after the zero length."""
    frames: list[bytes] = []
    while True:
        (length,) = struct.unpack_from(">I", data)
        data = data[4:]
        if length == 0:
            return frames, data
        assert len(data) >= length, "a frame is cut short"
        frames.append(data[:length])
        data = data[length:]


def reset(client: socket.socket) -> None:
    """End a connection with a reset, as a crashed client does."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
