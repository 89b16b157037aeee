"""Connection to a camera, shared by all its viewers and open only while there are any."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from pi_cam_node.base.clock import Clock
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.pictures.client import NodeClient, Unreachable
from pi_cam_node.console.pictures.mjpeg import frames_of
from pi_cam_node.console.pictures.scaling import LiveFrame
from pi_cam_node.console.pictures.viewer import Status, Viewer

_log = logging.getLogger(__name__)

FIRST_WAIT_S, WAIT_MAX_S = 0.5, 10.0
# How long the retained pictures are shown before the way over HTTP is looked at again.
RETAINED_FOR_S = 20.0
TROUBLE_CHECK_S = 5.0


class Upstream:
    """One camera and its viewers. Thread: the loop's.

    Args:
        node: The camera's node.
        client: Fetches its stream.
        clock: Tells the time.
        follow_frames: Called with whether the retained live picture of the broker is wanted.
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
        self.newest: LiveFrame | None = None
        self.status = Status(live=False, text="Connecting …")

    @property
    def viewers(self) -> int:
        """Number of viewers."""
        return len(self._viewers)

    def add(self, viewer: Viewer) -> None:
        """Show the camera to one more."""
        self._viewers.add(viewer)
        viewer.tell(self.node.id, self.status)
        if self.newest is not None and not self.node.is_private:
            viewer.offer(self.node.id, self.newest, self._clock.monotonic())
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"upstream {self.node.id}")
        elif self._wanted_fps() > self._fps:
            self._changed.set()

    def remove(self, viewer: Viewer) -> None:
        """Show it to one less; the connection ends with the last."""
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
        """Drop every picture, and say why."""
        self.newest = None
        for viewer in self._viewers:
            viewer.hide(self.node.id)
        self._say(Status(live=False, text=self.node.trouble() or "Connecting …", blank=self.node.is_private))

    def retained_frame(self) -> None:
        """Show the live picture that the broker has, where that is what is shown."""
        node = self.node
        if self._is_retained and node.frame and not node.trouble():
            self._show(LiveFrame(node.frame, node.frame_ms))

    async def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            self._changed.clear()
            trouble = self.node.trouble()
            if trouble:
                self.hide()
                await self._wait_for_change(TROUBLE_CHECK_S)
                continue
            try:
                if await self._stream():
                    wait_s = FIRST_WAIT_S
            except Unreachable as error:
                await self._show_retained(str(error))
                continue
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                _log.info("the stream of %s broke: %s", self.node.id, error)
            except Exception:
                _log.exception("the stream of %s failed", self.node.id)
            self._say(Status(live=False, text="The stream broke; connecting again …"))
            await self._wait_for_change(wait_s)
            wait_s = min(WAIT_MAX_S, 2 * wait_s)

    async def _stream(self) -> bool:
        """Show the stream until it ends, or the state of the node changes; return whether a picture came."""
        self._fps = self._wanted_fps()
        has_come = False
        async with self._client.get(self.node, f"/stream?fps={self._fps:g}") as answer:
            if answer.status != 200:
                said = (await answer.content.read(200)).decode("utf-8", "replace").strip()
                self._say(Status(live=False, text=f"The node shows no stream: {said or answer.status}"))
                await self._wait_for_change(TROUBLE_CHECK_S)
                return False
            pictures = frames_of(answer.content, self._now_ms())  # type: ignore[arg-type] # aiohttp's reader has its methods
            async for frame in pictures:
                if self._changed.is_set() and (self.node.trouble() or self._wanted_fps() > self._fps):
                    return has_come
                if not has_come:
                    self._say(Status(live=True))
                has_come = True
                self._show(frame)
        return has_come

    async def _show_retained(self, why: str) -> None:
        """Show what the broker keeps, and say why; for a while."""
        self._say(Status(live=False, text=why))
        self._retain(wanted=True)
        self.retained_frame()
        await self._wait_for_change(RETAINED_FOR_S)

    def _retain(self, *, wanted: bool) -> None:
        if wanted != self._is_retained:
            self._is_retained = wanted
            self._follow_frames(wanted)

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
        return max((one.fps for one in wanted if one is not None), default=1.0)

    def _now_ms(self) -> int:
        return round(self._clock.utcnow().timestamp() * 1000)
