"""Inbox of the node thread: its only input, bounded in number and bytes.

Adapters put, the node thread takes. Frames: only the newest are kept; older ones are dropped and counted. Messages:
first in, first out; if their queue is full a new one is refused, see the return value. Commands from the broker have a
queue of their own with the lowest priority, and are held while there is no room for their replies, so that other
origins are still served. Messages have priority over frames, so that commands are answered even if frames arrive
faster than they can be processed; but only for a few in a row, since a camera whose frames are not taken would count
as offline.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from pi_cam_node.base.threads import Heartbeat
from pi_cam_node.core.inputs import CommandArrived, Input
from pi_cam_node.imaging.frame import Frame

_log = logging.getLogger(__name__)

# Maximum number of waiting frames; a shorter pause of the node thread loses none, unless frames are large.
FRAMES_WAITING = 16
FRAME_BYTES_WAITING = 8 << 20
# Maximum number of waiting messages; enough for a script that sends thousands of commands at once.
MESSAGES_WAITING = 10_000
# Maximum size of waiting messages; does not apply to small ones, so that large messages do not block a query.
BYTES_WAITING = 4 << 20
SMALL_BYTES = 512
# Maximum number of messages taken before a waiting frame.
MESSAGES_IN_A_ROW = 16
# Interval at which held commands are checked again.
HELD_S = 0.1
# How long delivery of an essential message to a full inbox is retried, and the interval.
DELIVERY_DEADLINE_S = 30.0
DELIVERY_RETRY_S = 0.05
# Longest wait, as the timeout of a lock is limited.
WAIT_MAX_S = 3600.0


def _never() -> bool:
    return False


def deliver(post: Callable[[Input], bool], message: Input, loop: Heartbeat, gave_up: Callable[[float], bool]) -> None:
    """Put an essential message; retry for `DELIVERY_DEADLINE_S` if the inbox is full, then log its loss.

    Args:
        post: Puts it; returns whether there was room.
        message: The message.
        loop: Heartbeat of the calling thread.
        gave_up: Waits for some seconds; returns whether to stop retrying, as the node is stopping.
    """
    end_s = time.monotonic() + DELIVERY_DEADLINE_S
    while not post(message):
        loop.beat()
        if time.monotonic() >= end_s or gave_up(DELIVERY_RETRY_S):
            _log.error("%s of %s is lost: the inbox stayed full", type(message).__name__, loop.name)
            return


class Inbox:
    """Queue of frames and inputs for the node thread.

    Thread: any, except for `take`.
    """

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._frame_bytes = 0
        self._messages = _Queue()
        self._broker_commands = _Queue()
        self._in_a_row = 0
        self._changed = threading.Lock()
        # Released to wake the node thread. Unlike a condition it needs no second lock, so that a signal handler, which
        # may interrupt the node thread anywhere, can release it, too.
        self._wakeup = threading.Lock()
        self._wakeup.acquire()
        self._is_woken = self._has_new_frames = False
        self._frames_dropped = 0
        self._messages_refused = 0

    @property
    def frames_dropped(self) -> int:
        """Number of frames dropped because the node was too busy."""
        return self._frames_dropped

    @property
    def messages_refused(self) -> int:
        """Number of commands refused because their queue was full; other senders retry."""
        return self._messages_refused

    @property
    def waiting(self) -> int:
        """Number of waiting messages."""
        return len(self._messages.waiting) + len(self._broker_commands.waiting)

    def put_frame(self, frame: Frame) -> None:
        """Queue a frame; drop the oldest waiting ones as needed. Call `wake_for_frames` afterwards."""
        with self._changed:
            self._frames.append(frame)
            self._frame_bytes += frame.size_bytes
            while len(self._frames) > FRAMES_WAITING or (
                len(self._frames) > 1 and self._frame_bytes > FRAME_BYTES_WAITING
            ):
                self._take_frame()
                self._frames_dropped += 1
        self._has_new_frames = True

    def wake_for_frames(self) -> None:
        """Wake the node thread if frames were queued since the last call. Thread: the one that puts frames."""
        if self._has_new_frames:
            self._has_new_frames = False
            self._ring()

    def put(self, message: Input) -> bool:
        """Queue a message; return whether there was room."""
        is_of_broker = isinstance(message, CommandArrived) and message.origin == "mqtt"
        with self._changed:
            if not (self._broker_commands if is_of_broker else self._messages).put(message):
                self._messages_refused += isinstance(message, CommandArrived)
                return False
        self._ring()
        return True

    def wake(self) -> None:
        """Make `take` return at once, even if nothing is queued. Thread: any, and signal handlers."""
        self._is_woken = True
        self._ring()

    def take(self, timeout_s: float, *, hold_broker: Callable[[], bool] = _never) -> Input | Frame | None:
        """Return the next message or the oldest waiting frame; ``None`` after the timeout.

        Args:
            timeout_s: Longest wait.
            hold_broker: Called only if the next message is a command from the broker; returns whether to leave it
                queued. In that case ``None`` is returned `HELD_S` after the last arrival at the latest.

        Thread: the node thread.
        """
        end_s = time.monotonic() + timeout_s
        while True:
            message = self._next(hold_broker)
            if message is not None:
                return message
            left_s = min(end_s - time.monotonic(), HELD_S if self._broker_commands.waiting else WAIT_MAX_S)
            if self._is_woken or not self._wakeup.acquire(timeout=max(0.0, left_s)):
                self._is_woken = False
                return None

    def _next(self, hold_broker: Callable[[], bool]) -> Input | Frame | None:
        queue = self._messages
        if not queue.waiting and self._broker_commands.waiting and not hold_broker():
            queue = self._broker_commands
        with self._changed:
            if queue.waiting and (not self._frames or self._in_a_row < MESSAGES_IN_A_ROW):
                self._in_a_row += 1
                return queue.take()
            self._in_a_row = 0
            return self._take_frame() if self._frames else None

    def _take_frame(self) -> Frame:
        frame = self._frames.popleft()
        self._frame_bytes = self._frame_bytes - frame.size_bytes if self._frames else 0
        return frame

    def _ring(self) -> None:
        with suppress(RuntimeError):  # already released
            self._wakeup.release()


class _Queue:
    """Messages, first in, first out, bounded in number and bytes.

    Attributes:
        waiting: The messages; changed only by `put` and `take`.
    """

    def __init__(self) -> None:
        self.waiting: deque[Input] = deque()
        self._size_bytes = 0

    def put(self, message: Input) -> bool:
        """Append a message; return whether there was room."""
        size_bytes = _size_bytes(message)
        is_too_large = size_bytes > SMALL_BYTES and self._size_bytes + size_bytes > BYTES_WAITING
        if is_too_large or len(self.waiting) == MESSAGES_WAITING:
            return False
        self.waiting.append(message)
        self._size_bytes += size_bytes
        return True

    def take(self) -> Input:
        """Return the oldest message."""
        message = self.waiting.popleft()
        self._size_bytes -= _size_bytes(message)
        return message


def _size_bytes(message: Input) -> int:
    """Return the size of a message's parts of variable length that a client determines, in bytes."""
    if not isinstance(message, CommandArrived):
        return 0
    return sum(map(len, (message.payload, message.verb, message.reply_to or "", message.correlation or b"")))
