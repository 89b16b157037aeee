"""One viewer of the stream: what it has seen, what it wants next, and whether it takes it.

Parts are written straight to the transport, and only while everything before is gone to the kernel:
nothing queues up for a viewer, it misses frames instead. The task that serves the request sleeps
until its viewer falls behind or ends, so a frame costs a viewer one write and no task switch.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from aiohttp import ClientError
from aiohttp.abc import AbstractStreamWriter

from pi_cam_node.web.live.multipart import Part
from pi_cam_node.web.live.pacing import ViewerPacing

# A viewer to which no byte could be written for so long is gone, or might as well be.
STALL_S = 10.0
# The kernel keeps no more than this unsent. Its own default is megabytes: seconds of old pictures for a slow viewer.
UNSENT_BYTES = 128 * 1024

NEVER_S, ALWAYS_S = float("inf"), float("-inf")


class Viewer:
    """One open stream. Thread: the web server's.

    Attributes:
        interval_s: Least seconds between new pictures that the viewer asked for; 0 for no wish.
        stalled: Whether it was closed because it took nothing any more.
    """

    def __init__(self, transport: asyncio.WriteTransport, writer: AbstractStreamWriter, interval_s: float) -> None:
        self.interval_s = interval_s
        self.stalled = False
        self._transport = transport
        self._writer = writer
        self._pace = ViewerPacing()
        self._shown: Part | None = None
        self._behind = False
        self._over = False
        self._called = asyncio.Event()
        # Paused means "not all written yet", which is what `drained` waits for.
        transport.set_write_buffer_limits(high=0)
        _keep_little_unsent(transport)

    @property
    def due_s(self) -> float:
        """Monotonic time from which the viewer welcomes a new frame; never while it is behind."""
        if self._behind:
            return NEVER_S
        return ALWAYS_S if self._shown is not None and self._shown.frame is None else self._pace.due_s

    def offer(self, part: Part, now_s: float, interval_s: float) -> float:
        """Send the newest part if it is due, or the last one again, and return when to look at this viewer again."""
        if self._transport.is_closing():
            self.end()
        if self._over or self._behind:
            return NEVER_S
        interval_s = max(interval_s, self.interval_s)
        # That the camera went away, or is back, is no matter of pace.
        if part is not self._shown and (now_s >= self.due_s or part.frame is None):
            if self._write(part):
                self._pace.sent_new(now_s, interval_s)
        elif self._shown is not None and self._pace.wants_again(now_s) and self._write(self._shown):
            self._pace.sent_again(now_s)
        return NEVER_S if self._behind else self._pace.look_s(now_s)

    def _write(self, part: Part) -> bool:
        if self._transport.get_write_buffer_size():
            self._behind = True
            self._called.set()
            return False
        self._transport.write(part.wire)
        self._shown = part
        return True

    def end(self, farewell: bytes = b"") -> None:
        """Let the request end, with some last bytes where the viewer can take them."""
        if self._behind:
            self._transport.abort()  # what it did not take in time it does not get
        elif farewell and not self._over and not self._transport.is_closing():
            self._transport.write(farewell)
        self._over = True
        self._called.set()

    def cut(self) -> None:
        """End at once where a part of a picture still waits to leave; what has left cannot be called back."""
        if self._transport.get_write_buffer_size():
            self._behind = True
            self.end()

    async def until_caught_up(self) -> bool:
        """Sleep until the viewer fell behind and then took everything; return ``False`` when it is over.

        A viewer that takes nothing for `STALL_S` is cut off.
        """
        await self._called.wait()
        self._called.clear()
        if self._over or not await self._drained():
            return False
        self._behind = False
        return not self._over

    async def _drained(self) -> bool:
        left = self._transport.get_write_buffer_size()
        while left and not self._transport.is_closing():
            with contextlib.suppress(TimeoutError):
                return await self._drain()
            before, left = left, self._transport.get_write_buffer_size()
            if left >= before:
                self.stalled = True
                self._transport.abort()
        return not self._transport.is_closing()

    async def _drain(self) -> bool:
        try:
            await asyncio.wait_for(self._writer.drain(), STALL_S)
        except (ConnectionError, ClientError):
            return False
        return True


def _keep_little_unsent(transport: asyncio.WriteTransport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
