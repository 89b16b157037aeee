"""Node side of the encoder's process: sends pictures, receives packets, kills a hung process."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import time
from collections import deque

from pi_cam_node.base.child_process import start_child
from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.extras import has_video, video_hint
from pi_cam_node.imaging.shared_planes import SharedPlanes
from pi_cam_node.recording.encoder.video_format import VideoFormat
from pi_cam_node.recording.encoder.wire import PLANES, Message, MessageReader

_log = logging.getLogger(__name__)

_CHILD = "pi_cam_node.recording.encoder.child_main"
_CHUNK_BYTES = 1 << 18
# Few pictures are in the process at a time; the others wait in the ring.
_UNSENT_BYTES_MAX = 1 << 20
_SOCKET_BYTES = 1 << 20
# Timeout of the process for its pictures; longer for the first ones, which wait for imports.
PATIENCE_S = 5.0
_START_PATIENCE_S = 20.0
_END_S = 1.0


class EncoderLost(Exception):
    """The process has ended, hangs, or sent invalid messages, and must be closed."""


class EncoderProcess:
    """One process, one stream of packets.

    Thread: one, which must live as long as the process: the kernel kills the process when the thread ends.
    """

    def __init__(self, wanted: VideoFormat) -> None:
        """Start it.

        Args:
            wanted: Format of its packets.

        Raises:
            NotSaved: PyAV is not installed.
            OSError: There is no memory or no process left for it.
        """
        if not has_video():
            raise NotSaved(f"ERROR: {video_hint()}")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        with theirs:
            try:
                self._process = start_child(_CHILD, theirs.fileno(), *wanted.arguments())
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        self._link, self._reader = ours, MessageReader()
        # Unsent bytes, each with the descriptor to send along.
        self._unsent: deque[tuple[memoryview, int | None]] = deque()
        self._unsent_bytes = 0
        # Times (ticks) of the pictures in the process, oldest first, with shared planes, if any.
        self._waiting: deque[tuple[int, SharedPlanes | None]] = deque()
        self._moved_s = time.monotonic()
        self._has_answered = False

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def has_room(self) -> bool:
        """Whether the process takes another picture."""
        return self._unsent_bytes < _UNSENT_BYTES_MAX

    @property
    def waiting(self) -> int:
        """Number of pictures in the process without an answer."""
        return len(self._waiting)

    def send(self, jpeg: bytes, ticks: int, *, key: bool = False) -> None:
        """Queue a picture, to be sent with the next `exchange`."""
        message = Message("picture", ticks, int(key), jpeg)
        self._queue(message.header())
        self._queue(jpeg)
        self._wait_for(ticks, None)

    def send_planes(self, planes: SharedPlanes, ticks: int) -> None:
        """Queue shared planes for the next `exchange`; they are given back once answered."""
        body = PLANES.pack(*planes.size, planes.offset_bytes)
        self._queue(Message("planes", ticks, 0, body).header() + body, planes.descriptor)
        self._wait_for(ticks, planes)

    def _queue(self, data: bytes, descriptor: int | None = None) -> None:
        self._unsent.append((memoryview(data), descriptor))
        self._unsent_bytes += len(data)

    def _wait_for(self, ticks: int, planes: SharedPlanes | None) -> None:
        if not self._waiting:
            self._moved_s = time.monotonic()
        self._waiting.append((ticks, planes))

    def exchange(self, timeout_s: float, wakeup: int | None = None) -> list[Message]:
        """Send queued and receive messages, waiting at most for the timeout.

        Args:
            timeout_s: How long to wait for messages.
            wakeup: An eventfd, which ends the wait and is reset.

        Raises:
            EncoderLost: The process has ended, hangs, or sent invalid messages.
        """
        try:
            self._send()
            events, is_woken = self._wait(timeout_s, wakeup)
            if wakeup is not None and is_woken:
                os.eventfd_read(wakeup)
            if events & select.POLLOUT:
                self._send()
            came = self._receive() if events & ~select.POLLOUT else []
        except (OSError, ValueError) as error:
            raise EncoderLost(f"the connection to the encoder failed: {error}") from error
        now_s = time.monotonic()
        if came:
            self._has_answered, self._moved_s = True, now_s
        elif self._waiting and now_s - self._moved_s > (PATIENCE_S if self._has_answered else _START_PATIENCE_S):
            raise EncoderLost(f"the encoder has not answered for {now_s - self._moved_s:.0f} s")
        return came

    def _wait(self, timeout_s: float, wakeup: int | None) -> tuple[int, bool]:
        """Wait; return the events of the socket, and whether the eventfd was signalled.

        Uses poll, as select does not support descriptors above 1023.
        """
        link, poll = self._link.fileno(), select.poll()
        poll.register(link, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        if wakeup is not None:
            poll.register(wakeup, select.POLLIN)
        ready = dict(poll.poll(timeout_s * 1000))
        return ready.get(link, 0), wakeup in ready

    def close(self) -> None:
        """End the process, if necessary by force."""
        self._link.close()
        try:
            self._process.wait(_END_S if not self._waiting else 0.05)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                _log.error("the encoder's process %d cannot be ended", self.pid)
        while self._waiting:
            self._give_back()

    def _send(self) -> None:
        while self._unsent:
            part, descriptor = self._unsent[0]
            try:
                if descriptor is None:
                    sent = self._link.send(part)
                else:
                    sent = socket.send_fds(self._link, [part], [descriptor])
            except BlockingIOError:
                return
            self._unsent_bytes -= sent
            if sent == len(part):
                self._unsent.popleft()
            else:
                self._unsent[0] = part[sent:], None  # a descriptor goes with the first byte

    def _receive(self) -> list[Message]:
        came: list[Message] = []
        while True:
            try:
                data = self._link.recv(_CHUNK_BYTES)
            except BlockingIOError:
                break
            if not data:
                raise EncoderLost(f"the encoder ended: {self._cause_of_end()}")
            came += self._reader.feed(data)
            if len(data) < _CHUNK_BYTES:
                break
        for message in came:
            if message.kind in ("packet", "failed"):
                self._answered(message.number)
        return came

    def _answered(self, ticks: int) -> None:
        """Release the oldest picture after its answer.

        Raises:
            ValueError: The answer is for another picture; planes could be overwritten while they are read.
        """
        if not self._waiting or self._waiting[0][0] != ticks:
            raise ValueError("an answer to no picture that it has")
        self._give_back()

    def _give_back(self) -> None:
        _, planes = self._waiting.popleft()
        if planes is not None:
            planes.give_back()

    def _cause_of_end(self) -> str:
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return "it closed its connection"
        return signal.Signals(-code).name if code < 0 else f"code {code}"
