"""The one door into the node thread.

Adapters put, the node thread takes. Frames: only the newest few wait, an older one makes room and
is counted. Messages: first in, first out, bounded in number and bytes; where the queue is full the newest is
refused and counted, and its sender is told by the return value. Messages go before frames, so that a
command is answered even when frames come faster than they can be worked on; but of many messages in a row only
the first few, since a camera whose frames nobody takes would count as away.
"""

from __future__ import annotations

import threading
from collections import deque

from pi_cam_node.arrivals import Arrival, CommandArrived
from pi_cam_node.frame import Frame

# A hiccup of the node thread shorter than this many frames loses none.
FRAMES_WAITING = 4
# A script that sends thousands of commands in one go gets an answer to each of them.
MESSAGES_WAITING = 10_000
# What is small always finds room among them: large messages must not shut out a question.
BYTES_WAITING = 4 << 20
SMALL_BYTES = 512
# So many messages are taken before a waiting frame has its turn.
MESSAGES_IN_A_ROW = 16


class Inbox:
    """Frames and arrivals on their way to the node thread.

    Thread: any, for everything but `take`.
    """

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._messages: deque[Arrival] = deque()
        self._size_bytes = 0
        self._in_a_row = 0
        self._changed = threading.Condition()
        self._frames_dropped = 0
        self._messages_refused = 0

    @property
    def frames_dropped(self) -> int:
        """Frames that came while the node was too busy to take them."""
        return self._frames_dropped

    @property
    def messages_refused(self) -> int:
        """Messages that came while the queue was full."""
        return self._messages_refused

    def put_frame(self, frame: Frame) -> None:
        """Hand over a frame; the oldest waiting one makes room for it."""
        with self._changed:
            if len(self._frames) == FRAMES_WAITING:
                self._frames.popleft()
                self._frames_dropped += 1
            self._frames.append(frame)
            self._changed.notify()

    def put(self, message: Arrival) -> bool:
        """Hand over a message; return whether there was room."""
        size_bytes = _size_bytes(message)
        with self._changed:
            too_large = size_bytes > SMALL_BYTES and self._size_bytes + size_bytes > BYTES_WAITING
            if too_large or len(self._messages) == MESSAGES_WAITING:
                self._messages_refused += 1
                return False
            self._messages.append(message)
            self._size_bytes += size_bytes
            self._changed.notify()
            return True

    def take(self, timeout_s: float, *, only_frames: bool = False) -> Arrival | Frame | None:
        """Return the next message or the oldest waiting frame, and ``None`` after the timeout.

        Args:
            timeout_s: How long to wait for one.
            only_frames: Leave messages where they are.

        Thread: the node thread.
        """
        with self._changed:
            if not self._frames and (only_frames or not self._messages):
                self._changed.wait(max(0.0, timeout_s))
            wanted = self._messages and not only_frames
            if wanted and (not self._frames or self._in_a_row < MESSAGES_IN_A_ROW):
                self._in_a_row += 1
                message = self._messages.popleft()
                self._size_bytes -= _size_bytes(message)
                return message
            self._in_a_row = 0
            return self._frames.popleft() if self._frames else None


def _size_bytes(message: Arrival) -> int:
    return len(message.payload) if isinstance(message, CommandArrived) else 0
