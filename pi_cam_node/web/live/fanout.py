"""MJPEG stream: each frame is encoded once for all viewers, and not at all without viewers.

The frame hub calls on the node thread, which only wakes the event loop, if a viewer is due. A callback on the loop
turns the newest frame into a part (the placeholder in an executor) and offers it to every viewer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pi_cam_node.base.clock import Clock
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.context import State
from pi_cam_node.web.live.multipart import END, Away, Part, part_of, placeholder_of
from pi_cam_node.web.live.viewer import NEVER_S, Viewer, ViewerLimit

_log = logging.getLogger(__name__)


class Fanout:
    """MJPEG stream with its viewers. Thread: the web server's, but for `_on_frame`.

    Attributes:
        limit: Limits the viewers to ``http.max_viewers``.
    """

    def __init__(self, hub: FrameHub, state: State, clock: Clock, images: ImageTasks) -> None:
        self._hub = hub
        self._state = state
        self._clock = clock
        self._images = images
        self._viewers: set[Viewer] = set()
        self._part: Part | None = None
        self._away = Away()
        self._making: asyncio.Task[None] | None = None
        self._due_s = NEVER_S
        self._timer: asyncio.TimerHandle | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._closed = False
        self.limit = ViewerLimit(lambda: state.config.http.max_viewers)

    async def serve(self, viewer: Viewer) -> None:
        """Serve a viewer until it disconnects, stalls, or the stream is closed."""
        self._join(viewer)
        try:
            while await viewer.until_caught_up():
                self._update()
        finally:
            self._leave(viewer)

    def close(self) -> None:
        """End all streams, present and future."""
        self._closed = True
        for viewer in self._viewers:
            viewer.close(END)

    def _join(self, viewer: Viewer) -> None:
        self._viewers.add(viewer)
        if self._unsubscribe is None:
            self._unsubscribe = self._subscribe()
        if self._closed:
            viewer.close()
        self._update()

    def _leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        if not self._viewers and self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _subscribe(self) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        unsubscribe = self._hub.subscribe(lambda frame: self._on_frame(loop, frame))

        def stop() -> None:
            unsubscribe()
            self._set_timer(NEVER_S)
            self._part, self._due_s = None, NEVER_S
            # Outdated by the next viewer, since frames are ignored without viewers.
            self._away = replace(self._away, since=None)

        return stop

    def _on_frame(self, loop: asyncio.AbstractEventLoop, frame: Frame | None) -> None:
        """Wake the loop if a viewer is due. Thread: the node thread."""
        if frame is not None and self._clock.monotonic() < self._due_s:
            return
        try:
            loop.call_soon_threadsafe(self._update)
        except RuntimeError:
            _log.debug("a frame came after the web server's loop had closed")

    def _update(self) -> None:
        """Offer every viewer the newest frame, or make the placeholder first."""
        if not self._viewers or self._making is not None:
            return
        make = self._next_part()
        if make is not None:
            self._making = asyncio.get_running_loop().create_task(self._make(make), name="stream part")
        else:
            self._offer()

    def _next_part(self) -> Callable[[], Part] | None:
        """Set the next part; if it is the placeholder, which takes long, return the function that makes it."""
        frame, is_private = self._hub.latest, self._hub.privacy_gate.closed
        if is_private != self._away.private:
            self._away = replace(self._away, private=is_private)
            for viewer in self._viewers if is_private else ():
                viewer.cut()
        elif self._part is not None and frame is self._part.frame:
            return None
        if frame is None:
            return partial(placeholder_of, self._away, self._images)
        self._away = Away(frame.size, frame.captured_at)
        if all(viewer.due_s > self._clock.monotonic() for viewer in self._viewers):
            return None
        self._part = part_of(frame)
        return None

    async def _make(self, make: Callable[[], Part]) -> None:
        """Make the placeholder in an executor and offer it; viewers wait meanwhile."""
        part = None
        try:
            part = await asyncio.to_thread(make)
        except Exception:
            _log.exception("the placeholder could not be made")
        finally:
            self._making = None
        if part is not None and self._viewers:
            if part.frame is None or self._hub.latest is not None:  # a frame that was withdrawn meanwhile is not shown
                self._part = part
                self._offer()
            self._update()  # the camera may have changed state meanwhile

    def _offer(self) -> None:
        if self._part is None:
            return
        now_s, interval_s = self._clock.monotonic(), 1 / self._state.config.mjpeg_server.fps
        next_s = due_s = NEVER_S
        for viewer in self._viewers:
            next_s = min(next_s, viewer.offer(self._part, now_s, interval_s))
            due_s = min(due_s, viewer.due_s)
        self._due_s = due_s
        self._set_timer(next_s)

    def _set_timer(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at_s < NEVER_S:
            delay_s = at_s - self._clock.monotonic()
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._update)
