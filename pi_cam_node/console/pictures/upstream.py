"""MJPEG connection to a camera, shared by all its viewers and open only while there are any."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from pi_cam_node.base.clock import Clock, epoch_ms
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.pictures.client import NodeClient, Unreachable
from pi_cam_node.console.pictures.mjpeg import frames_of
from pi_cam_node.console.pictures.scaling import LiveFrame
from pi_cam_node.console.pictures.viewer import Status, Viewer

_log = logging.getLogger(__name__)

FIRST_WAIT_S, WAIT_MAX_S = 0.5, 10.0
# At a lower rate a stream would notice a viewer's wish for a higher rate too late.
FPS_MIN = 1.0
# How long retained pictures are shown before HTTP is tried again.
RETAINED_FOR_S = 20.0
TROUBLE_CHECK_S = 5.0
# A node repeats its last picture every two seconds; a stream without any for so long is stuck.
PICTURE_DEADLINE_S = 12.0


class Upstream:
    """One camera and its viewers. Thread: the loop's.

    Args:
        node: The camera's node.
        client: Fetches its stream.
        clock: Tells the time.
        follow_frames: Called with whether to subscribe to the node's live picture on the broker.
    """

    def __init__(self, node: Node, client: NodeClient, clock: Clock, follow_frames: Callable[[bool], None]) -> None:
        self.node = node
        self._client = client
        self._clock = clock
        self._follow_frames = follow_frames
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._is_retained = False
        self._fps = 0.0
        self._wait_s = FIRST_WAIT_S
        self.newest: LiveFrame | None = None
        self.status = Status(live=False, text="Connecting …")

    @property
    def viewers(self) -> int:
        """Number of viewers."""
        return len(self._viewers)

    def add(self, viewer: Viewer) -> None:
        """Add a viewer."""
        self._viewers.add(viewer)
        viewer.tell(self.node.id, self.status)
        if self.newest is not None and not self.node.is_private:
            viewer.offer(self.node.id, self.newest, self._clock.monotonic())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"upstream {self.node.id}")
        elif self._wanted_fps() > self._fps:
            self._changed.set()

    def remove(self, viewer: Viewer) -> None:
        """Remove a viewer; the connection closes with the last."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self.close()

    def close(self) -> None:
        """End the connection."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._retain(wanted=False)
        self.newest = None

    def node_changed(self) -> None:
        """Reconnect or disconnect as the node's new state requires."""
        if self.node.trouble():
            self.hide()
        self._changed.set()

    def hide(self) -> None:
        """Drop every pending picture and show the reason."""
        self.newest = None
        for viewer in self._viewers:
            viewer.hide(self.node.id)
        blank = self.node.is_private or self.node.online is None
        self._say(Status(live=False, text=self.node.trouble() or "Connecting …", blank=blank))

    def retained_frame(self) -> None:
        """Show the live picture received from the broker, unless the stream is open."""
        node = self.node
        if self._is_retained and node.frame and not node.trouble():
            self._show(LiveFrame(node.frame, node.frame_ms))

    async def _run(self) -> None:
        """Reconnect after any error until this task is cancelled."""
        while True:
            self._changed.clear()
            try:
                if await self._attempt():
                    continue
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                _log.info("the stream of %s broke: %s", self.node.id, error)
            except asyncio.CancelledError:
                # An awaited task may have been cancelled rather than this one.
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                _log.warning("the stream of %s was cancelled", self.node.id)
            except Exception:
                _log.exception("the stream of %s failed", self.node.id)
            self._say(Status(live=False, text="The stream broke; connecting again …"))
            await self._wait_for_change(self._wait_s)
            self._wait_s = min(WAIT_MAX_S, 2 * self._wait_s)

    async def _attempt(self) -> bool:
        """Show stream, retained picture or trouble until that changes; return whether to retry without a pause."""
        if self.node.trouble():
            self.hide()
            await self._wait_for_change(TROUBLE_CHECK_S)
            return True
        try:
            return await self._stream()
        except Unreachable as error:
            await self._show_retained(str(error))
            return True

    async def _stream(self) -> bool:
        """Relay the stream until it ends or needs another rate; return true in the latter case.

        Raises:
            ConnectionError: The stream sends no picture in time.
        """
        self._fps = self._wanted_fps()
        async with self._client.get(self.node, f"/stream?fps={self._fps:g}") as answer:
            if answer.status != 200:
                said = (await answer.content.read(200)).decode("utf-8", "replace").strip()
                self._say(Status(live=False, text=f"The node shows no stream: {said or answer.status}"))
                await self._wait_for_change(TROUBLE_CHECK_S)
                return False
            pictures = frames_of(answer.content, epoch_ms(self._clock.utcnow()))  # type: ignore[arg-type] # aiohttp's reader has its methods
            while (frame := await _next_of(pictures)) is not None:
                if self._changed.is_set() and (self.node.trouble() or self._wanted_fps() > self._fps):
                    return True
                # With each picture, since the camera may go and come back within one stream.
                self._say(Status(live=True))
                self._wait_s = FIRST_WAIT_S
                self._show(frame)
        return False

    async def _show_retained(self, why: str) -> None:
        """Show the broker's live picture and the reason for `RETAINED_FOR_S`."""
        self._say(Status(live=False, text=why))
        self._retain(wanted=True)
        self.retained_frame()
        await self._wait_for_change(RETAINED_FOR_S)

    def _retain(self, *, wanted: bool) -> None:
        if wanted != self._is_retained:
            self._is_retained = wanted
            self._follow_frames(wanted)
            if not wanted:  # outdated by the next use, and large
                self.node.frame = b""

    async def _wait_for_change(self, limit_s: float) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), limit_s)
        except TimeoutError:
            return

    def _show(self, frame: LiveFrame) -> None:
        self.newest = frame
        now_s = self._clock.monotonic()
        for viewer in self._viewers:
            viewer.offer(self.node.id, frame, now_s)

    def _say(self, status: Status) -> None:
        if status.live:
            self._retain(wanted=False)
        if status != self.status:
            self.status = status
            for viewer in self._viewers:
                viewer.tell(self.node.id, status)

    def _wanted_fps(self) -> float:
        wanted = (viewer.wanted.get(self.node.id) for viewer in self._viewers)
        return max([FPS_MIN, *(one.fps for one in wanted if one is not None)])


async def _next_of(pictures: AsyncIterator[LiveFrame]) -> LiveFrame | None:
    """Return the next picture of a stream; ``None`` at its end.

    Raises:
        ConnectionError: No picture within `PICTURE_DEADLINE_S`.
    """
    try:
        async with asyncio.timeout(PICTURE_DEADLINE_S) as deadline:
            return await anext(pictures, None)
    except TimeoutError:
        if not deadline.expired():
            raise
        raise ConnectionError(f"no picture came for {PICTURE_DEADLINE_S:g} s") from None
