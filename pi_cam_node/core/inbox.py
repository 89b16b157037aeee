"""Inbox of the node thread: its only input, bounded in number and bytes.

Adapters put, the node thread takes. Frames: only the newest wait, bounded in number and bytes; an older one makes room
and is counted. Messages: first in, first out, bounded in number and bytes; where their queue is full the newest is
refused, which the return value tells its sender. Commands of the broker wait in a queue of their own, behind
everything else: while their replies find no room they are held, and the other origins are served. Messages go
before frames, so that a command is answered even when frames come faster than they can be worked on; but of many
messages in a row only the first few, since a camera whose frames are not taken would count as away.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from pi_cam_node.base.threads import Heartbeat
from pi_cam_node.core.inputs import CommandArrived, Input
from pi_cam_node.imaging.frame import Frame

# A pause of the node thread shorter than this many frames loses none, unless they are large.
FRAMES_WAITING = 16
FRAME_BYTES_WAITING = 8 << 20
# A script that sends thousands of commands in one go gets an answer to each of them.
MESSAGES_WAITING = 10_000
# What is small always finds room among them: large messages must not shut out a question.
BYTES_WAITING = 4 << 20
SMALL_BYTES = 512
# So many messages are taken before a waiting frame has its turn.
MESSAGES_IN_A_ROW = 16
# How soon commands that are held are looked at again.
HELD_S = 0.1
# How long a message that must not be lost waits for room, and how often that is tried.
DELIVERY_DEADLINE_S = 30.0
DELIVERY_RETRY_S = 0.05
# The longest wait of all, since a lock cannot wait without end.
WAIT_MAX_S = 3600.0


def _never() -> bool:
    return False


def deliver(post: Callable[[Input], bool], message: Input, loop: Heartbeat, gave_up: Callable[[float], bool]) -> bool:
    """Put a message that must not be lost; a full inbox is tried again for `DELIVERY_DEADLINE_S`.

    Args:
        post: Puts it; returns whether there was room.
        message: What to put.
        loop: Beats meanwhile.
        gave_up: Waits for so many seconds, and returns whether nobody will take it any more: then it is tried no more.

    Returns:
        Whether there was room.
    """
    end_s = time.monotonic() + DELIVERY_DEADLINE_S
    while not post(message):
        loop.beat()
        if time.monotonic() >= end_s or gave_up(DELIVERY_RETRY_S):
            return False
    return True


class Inbox:
    """Frames and inputs on their way to the node thread.

    Thread: any, for everything but `take`.
    """

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._frame_bytes = 0
        self._messages = _Queue()
        self._broker_commands = _Queue()
        self._in_a_row = 0
        self._changed = threading.Lock()
        # Released by whatever wakes the node thread. Unlike a condition it needs no lock of its own, so that a signal
        # handler, which runs in the node thread between any two instructions, can release it too, and none is missed.
        self._wakeup = threading.Lock()
        self._wakeup.acquire()
        self._is_woken = self._has_silent_frames = False
        self._frames_dropped = 0
        self._messages_refused = 0

    @property
    def frames_dropped(self) -> int:
        """Frames that came while the node was too busy to take them."""
        return self._frames_dropped

    @property
    def messages_refused(self) -> int:
        """Commands that came while their queue was full; other senders that find it full try again."""
        return self._messages_refused

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        return len(self._messages.waiting) + len(self._broker_commands.waiting)

    def put_frame(self, frame: Frame, *, wakes: bool = True) -> None:
        """Hand over a frame; the oldest waiting ones make room for it.

        Args:
            frame: The frame.
            wakes: Wake the node thread; else it is left to `wake_for_frames`.
        """
        with self._changed:
            self._frames.append(frame)
            self._frame_bytes += frame.size_bytes
            while len(self._frames) > FRAMES_WAITING or (
                len(self._frames) > 1 and self._frame_bytes > FRAME_BYTES_WAITING
            ):
                self._take_frame()
                self._frames_dropped += 1
        self._has_silent_frames = True
        if wakes:
            self.wake_for_frames()

    def wake_for_frames(self) -> None:
        """Wake the node thread where frames came of which it was not told. Thread: that which puts frames."""
        if self._has_silent_frames:
            self._has_silent_frames = False
            self._ring()

    def put(self, message: Input) -> bool:
        """Hand over a message; return whether there was room."""
        is_of_broker = isinstance(message, CommandArrived) and message.origin == "mqtt"
        with self._changed:
            if not (self._broker_commands if is_of_broker else self._messages).put(message):
                self._messages_refused += isinstance(message, CommandArrived)
                return False
        self._ring()
        return True

    def wake(self) -> None:
        """Make `take` return at once, also when nothing waits. Thread: any, and signal handlers."""
        self._is_woken = True
        self._ring()

    def take(self, timeout_s: float, *, hold_broker: Callable[[], bool] = _never) -> Input | Frame | None:
        """Return the next message or the oldest waiting frame, and ``None`` after the timeout.

        Args:
            timeout_s: How long to wait for one.
            hold_broker: Asked only when the next message is a command of the broker: whether to leave it where it is.
                Where it does, ``None`` is returned after `HELD_S` at the latest.

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
        with suppress(RuntimeError):  # it is released already
            self._wakeup.release()


class _Queue:
    """Messages, first in, first out, bounded in number and bytes.

    Attributes:
        waiting: The messages; to be changed by `put` and `take` alone.
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
    """Return how many bytes a client made a message hold: every part of it that may be long."""
    if not isinstance(message, CommandArrived):
        return 0
    return sum(map(len, (message.payload, message.verb, message.reply_to or "", message.correlation or b"")))
