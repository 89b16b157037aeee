"""A camera process that sends fuzzed bytes, with the controller, the core, the publisher and the disk behind it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Sequence
from unittest.mock import Mock

from pi_cam_node.camera.controller import CameraController
from pi_cam_node.camera.desired_state import DesiredState
from pi_cam_node.camera.source import Controls
from pi_cam_node.camera.worker.process import ProcessWorker
from pi_cam_node.camera.worker.shared_memory import SLOTS, slot_bytes
from pi_cam_node.camera.worker.spawn import Spawned
from pi_cam_node.core.commands.pictures import picture_of
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.topics import topics_of
from pi_cam_node.storage.pictures.encoders import encoded
from pi_cam_node.storage.pictures.sidecar import Origin, sidecar
from tests.support.core_harness import CoreHarness
from tests.support.frames import IMAGES
from tests.support.sample_node import config_of

DAY = Controls("day", 10.0, 2_000_000, 6.0, "still")
PUBLISHER = EventMessages(topics_of(config_of()))
ID = "20261120T194501123Z-3f2a91c0-000042-single"
DATAGRAMS_MAX = 12
# Between datagrams, which may hold any byte.
SEPARATOR = b"\n--\n"


class ScriptedWorker(ProcessWorker):
    """The node's side of a camera process whose datagrams are scripted."""

    def __init__(self, datagrams: Sequence[bytes], memory_bytes: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        for number, datagram in enumerate(datagrams):
            if number == 0 and memory_bytes:
                memory = os.memfd_create("fuzz", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
                os.truncate(memory, memory_bytes)
                released = os.eventfd(0, os.EFD_NONBLOCK)
                socket.send_fds(theirs, [datagram], [memory, released])
                os.close(memory)
                os.close(released)
            else:
                theirs.send(datagram)
        theirs.close()
        reader, writer = os.pipe()
        os.close(writer)
        super().__init__(Spawned(Mock(pid=4711, returncode=1), ours, os.fdopen(reader, "rb", buffering=0)))


class CameraHarness:
    """Runs the node's side on all datagrams, then saves and publishes what came of them."""

    def __init__(self, data: bytes) -> None:
        self.harness = CoreHarness()
        # Both begin at the second 1000 of the monotonic clock.
        desired = DesiredState(config_of(camera={"source": "synthetic"}).camera, DAY)
        size = {b"m": SLOTS * slot_bytes((64, 48)), b"s": slot_bytes((64, 48))}.get(data[:1], 0)
        datagrams = [line[:60_000] for line in data[1:].split(SEPARATOR)[:DATAGRAMS_MAX]]
        self.puppet = ScriptedWorker(datagrams, size)
        self.taken: list[object] = []
        inbox = Mock()
        inbox.put.side_effect = self._take
        inbox.put_frame.side_effect = self._take
        self.controller = CameraController(desired, self._launch, inbox, self.harness.clock, lambda: 1.0)
        self._launches = 0

    def _take(self, taken: object) -> bool:
        self.taken.append(taken)
        return True

    def _launch(self) -> ProcessWorker:
        self._launches += 1
        if self._launches > 1:
            raise OSError("one is enough")
        return self.puppet

    def run(self) -> None:
        for _ in range(4):
            self.controller.step()
            self.harness.clock.advance(0.01)
        self.controller.close(0.0)
        if self._launches == 0 or self.puppet._link.fileno() >= 0:
            self.puppet.end(0.0)
        for taken in self.taken:
            for fact in self.harness.step(taken):
                for message in PUBLISHER.messages(fact):
                    if message.content_type == "application/json":
                        _strict(message.payload)
                    assert b"nan" not in message.payload[:8].lower()
            if isinstance(taken, Frame):
                _save(taken)
        assert [reply["code"] for reply in self.harness.send("health")] == ["ok"]


def _save(frame: Frame) -> None:
    picture = picture_of(frame, "single")
    with contextlib.suppress(ValueError):  # bytes that are no JPEG
        encoded(picture, ID, "jpg", 80, IMAGES)
    _strict(sidecar(picture, ID, [], Origin("3f2a91c0", clock_set=True)))


def _strict(payload: bytes) -> None:
    """Parse JSON as every other language does."""

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    json.loads(payload, parse_constant=refuse)
