"""One viewer of the MJPEG stream: pacing, newest picture, and detection of stalled clients.

Parts are written straight to the transport, and only once the kernel has accepted all earlier data: nothing queues up;
a slow viewer misses frames instead. The task of the request sleeps until its viewer falls behind or ends, so a frame
costs one write per viewer and no task switch.
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

# Limit of unsent data in the kernel, whose default of megabytes means seconds of old pictures for a slow viewer.
UNSENT_BYTES = 128 * 1024

# Chromium shows a part when the next one begins, so a picture without a successor is repeated after this time.
REPEAT_S = 0.2
# Interval of repetitions without new frames: prevents timeouts of clients (5 s in OpenCV and PyAV) and detects dead
# ones.
KEEPALIVE_S = 2.0
# A repetition is postponed by this, since a new picture may come just then.
SOON_S = 0.1
# Tolerance for jitter: a frame that is early by less than this is sent.
SLACK_S = 0.02

NEVER_S, ALWAYS_S = float("inf"), float("-inf")


class ViewerLimit:
    """Counts viewers against a limit. Thread: the web server's.

    Args:
        most: Returns the current limit.
    """

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self.taken = 0

    @contextlib.contextmanager
    def one(self) -> Iterator[bool]:
        """Count a viewer within the ``with`` block; yields false at the limit."""
        is_free = self.taken < self._most()
        self.taken += is_free
        try:
            yield is_free
        finally:
            self.taken -= is_free


class ViewerPacing:
    """Schedules a viewer's pictures: no faster than requested, and the last one repeated if none follows.

    All times are monotonic seconds.
    """

    __slots__ = ("_due_s", "_repeat_s")

    def __init__(self) -> None:
        self._due_s = ALWAYS_S
        self._repeat_s = NEVER_S

    @property
    def due_s(self) -> float:
        """Time from which a new picture is due."""
        return self._due_s - SLACK_S

    def is_repeat_due(self, now_s: float) -> bool:
        """Tell whether the last picture has to be repeated."""
        return now_s >= self._repeat_s

    def sent_new(self, now_s: float, interval_s: float) -> None:
        """Record a new picture; the next is due ``interval_s`` after this one was due, which keeps the average rate.

        After a pause the schedule restarts with half an interval, as this picture may have been late.
        """
        due_s = self._due_s + interval_s
        self._due_s = due_s if due_s >= now_s else now_s + interval_s / 2
        self._repeat_s = now_s + (REPEAT_S if interval_s > REPEAT_S + SOON_S else interval_s + REPEAT_S)

    def sent_again(self, now_s: float) -> None:
        """Record a repetition; the next one is due after `KEEPALIVE_S`."""
        self._repeat_s = now_s + KEEPALIVE_S

    def next_s(self, now_s: float) -> float:
        """Return the next time to act without a new frame: to repeat the last one, or to send one that was early."""
        late_s = self._due_s + REPEAT_S
        return min(self._repeat_s, late_s) if late_s > now_s else self._repeat_s


class Viewer:
    """One open stream. Thread: the web server's.

    Attributes:
        interval_s: Requested least seconds between new pictures; 0 without a request.
    """

    def __init__(self, transport: asyncio.WriteTransport, writer: AbstractStreamWriter, interval_s: float) -> None:
        self.interval_s = interval_s
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
        """Send the newest part if due, or repeat the last one; return the next time to act for this viewer."""
        if self._transport.is_closing():
            self.close()
        if self._closed or self._behind:
            return NEVER_S
        interval_s = max(interval_s, self.interval_s)
        # A change between live and placeholder is sent at once.
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
        """End the viewer's request, with final bytes if the viewer still reads."""
        if self._behind:
            self._transport.abort()  # unsent data is discarded
        elif last and not self._closed and not self._transport.is_closing():
            self._transport.write(last)
        self._closed = True
        self._wake.set()

    def cut(self) -> None:
        """Abort if a part of a picture is still unsent."""
        if unsent_bytes(self._transport):
            self._behind = True
            self.close()

    async def until_caught_up(self) -> bool:
        """Sleep until the viewer fell behind and caught up; return ``False`` when it is closed.

        A viewer that stops reading is aborted; see `writing.flushed`.
        """
        await self._wake.wait()
        self._wake.clear()
        if self._closed or not await self._drain():
            return False
        self._behind = False
        return not self._closed

    async def _drain(self) -> bool:
        """Wait until everything is written; return ``False`` if the connection ends before."""
        try:
            await flushed(self._transport, self._writer.drain())
        except (ConnectionError, ClientError):
            return False
        return not self._transport.is_closing()


def _limit_unsent(transport: asyncio.WriteTransport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
