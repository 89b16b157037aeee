"""One viewer of the stream: pacing, newest picture to send, and the deadline for sending it.

Parts are written straight to the transport, and only while everything before is gone to the kernel:
nothing queues up for a viewer, it misses frames instead. The task that serves the request sleeps
until its viewer falls behind or ends, so a frame costs a viewer one write and no task switch.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

from aiohttp import ClientError
from aiohttp.abc import AbstractStreamWriter

from pi_cam_node.web.http.writing import flushed, unsent_bytes
from pi_cam_node.web.live.multipart import Part

# The kernel keeps no more than this unsent. Its own default is megabytes: seconds of old pictures for a slow viewer.
UNSENT_BYTES = 128 * 1024

# Chromium paints a part when the next one begins, so a picture that stays the last would never be seen: it is sent
# again after this.
REPEAT_S = 0.2
# A repetition now and then keeps readers from their time-outs (5 seconds in OpenCV and PyAV) and finds dead viewers.
KEEPALIVE_S = 2.0
# A picture that comes within this after the repetition would be due makes it needless.
SOON_S = 0.1
# Frames are not spaced evenly: one that comes this early is not put off to the next.
SLACK_S = 0.02

NEVER_S, ALWAYS_S = float("inf"), float("-inf")


class ViewerLimit:
    """Counts viewers against a limit. Thread: the web server's.

    Args:
        most: Returns the limit; may change.
    """

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self.taken = 0

    @contextlib.contextmanager
    def one(self) -> Iterator[bool]:
        """Hold a place for the time of a ``with`` block; ``False`` where none is free."""
        is_free = self.taken < self._most()
        self.taken += is_free
        try:
            yield is_free
        finally:
            self.taken -= is_free


class ViewerPacing:
    """Time at which a viewer is due its next picture: no faster than requested, and the last one again if none follows.

    All times are monotonic seconds.
    """

    __slots__ = ("_due_s", "_repeat_s")

    def __init__(self) -> None:
        self._due_s = ALWAYS_S
        self._repeat_s = NEVER_S

    @property
    def due_s(self) -> float:
        """The time from which a new picture is due."""
        return self._due_s - SLACK_S

    def is_repeat_due(self, now_s: float) -> bool:
        """Tell whether the picture that was sent last has to go out once more."""
        return now_s >= self._repeat_s

    def sent_new(self, now_s: float, interval_s: float) -> None:
        """Record a new picture; the next is due ``interval_s`` after this one was due, which keeps the average.

        After a pause the count begins anew, with half of it: this picture may have been late, and
        the next one is not to be missed for that.
        """
        due_s = self._due_s + interval_s
        self._due_s = due_s if due_s >= now_s else now_s + interval_s / 2
        self._repeat_s = now_s + (REPEAT_S if interval_s > REPEAT_S + SOON_S else interval_s + REPEAT_S)

    def sent_again(self, now_s: float) -> None:
        """Record that the last picture was sent again; the next one only serves to keep the connection alive."""
        self._repeat_s = now_s + KEEPALIVE_S

    def next_s(self, now_s: float) -> float:
        """Return when to act even if no frame comes: to repeat, or to show one that came too early."""
        late_s = self._due_s + REPEAT_S
        return min(self._repeat_s, late_s) if late_s > now_s else self._repeat_s


class Viewer:
    """One open stream. Thread: the web server's.

    Attributes:
        interval_s: Least seconds between new pictures that the viewer asked for; 0 where it did not ask.
        stalled: Whether it was closed because it took nothing any more.
    """

    def __init__(self, transport: asyncio.WriteTransport, writer: AbstractStreamWriter, interval_s: float) -> None:
        self.interval_s = interval_s
        self.stalled = False
        self._transport = transport
        self._writer = writer
        self._pacing = ViewerPacing()
        self._shown: Part | None = None
        self._behind = False
        self._closed = False
        self._wake = asyncio.Event()
        # Paused means "not all written yet", which is what `_drain` waits for.
        transport.set_write_buffer_limits(high=0)
        _limit_unsent(transport)

    @property
    def due_s(self) -> float:
        """Monotonic time from which the viewer takes a new frame; never while it is behind."""
        if self._behind:
            return NEVER_S
        return ALWAYS_S if self._shown is not None and self._shown.frame is None else self._pacing.due_s

    def offer(self, part: Part, now_s: float, interval_s: float) -> float:
        """Send the newest part if it is due, or the last one again, and return when to act for this viewer again."""
        if self._transport.is_closing():
            self.close()
        if self._closed or self._behind:
            return NEVER_S
        interval_s = max(interval_s, self.interval_s)
        # That the camera went away, or is back, is shown at once.
        if part is not self._shown and (now_s >= self.due_s or part.frame is None):
            if self._write(part):
                self._pacing.sent_new(now_s, interval_s)
        elif self._shown is not None and self._pacing.is_repeat_due(now_s) and self._write(self._shown):
            self._pacing.sent_again(now_s)
        return NEVER_S if self._behind else self._pacing.next_s(now_s)

    def _write(self, part: Part) -> bool:
        if unsent_bytes(self._transport):
            self._behind = True
            self._wake.set()
            return False
        self._transport.write(part.wire)
        self._shown = part
        return True

    def close(self, last: bytes = b"") -> None:
        """End the viewer's request, with some last bytes if the viewer still reads."""
        if self._behind:
            self._transport.abort()  # what it did not take in time it does not get
        elif last and not self._closed and not self._transport.is_closing():
            self._transport.write(last)
        self._closed = True
        self._wake.set()

    def cut(self) -> None:
        """Close at once where a part of a picture still waits to leave; what has left cannot be called back."""
        if unsent_bytes(self._transport):
            self._behind = True
            self.close()

    async def until_caught_up(self) -> bool:
        """Sleep until the viewer fell behind and then took everything; return ``False`` when it is closed.

        A viewer that takes nothing is cut off; see `writing.flushed`.
        """
        await self._wake.wait()
        self._wake.clear()
        if self._closed or not await self._drain():
            return False
        self._behind = False
        return not self._closed

    async def _drain(self) -> bool:
        """Wait until all is written; return ``False`` where the connection ends instead."""
        try:
            await flushed(self._transport, self._writer.drain())
        except ConnectionAbortedError:
            self.stalled = True
        except (ConnectionError, ClientError):
            return False
        return not self._transport.is_closing()


def _limit_unsent(transport: asyncio.WriteTransport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
