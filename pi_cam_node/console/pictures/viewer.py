"""Live view of one browser: only the newest picture of each camera is pending, nothing queues up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.pictures.scaling import LiveFrame

FPS_MAX = 30.0
CAMERAS_MAX = 64
# Pictures that may be under way to a browser; with more cameras as many as it shows. Three keep ten pictures a second
# fluent where an answer takes 0.3 s.
UNDER_WAY_MIN = 3


@frozen
class Wanted:
    """Width and rate at which a browser wants a camera's pictures.

    Attributes:
        fps: Pictures a second, at most.
        width_px: Displayed width; 0: full size.
    """

    fps: float
    width_px: int


@frozen
class Status:
    """State of a camera for the browser, beside its picture.

    Attributes:
        live: Whether pictures are live.
        text: Message to show; empty for none.
        blank: Whether the shown picture must be removed: privacy is on, or the node is gone.
    """

    live: bool
    text: str = ""
    blank: bool = False


class Viewer:
    """Live view of one browser. Thread: the loop's.

    Attributes:
        wanted: The cameras to show.
        dropped: Pictures that a newer one replaced.
        sent: Pictures that were sent, which the sender counts.
    """

    def __init__(self) -> None:
        self.wanted: dict[str, Wanted] = {}
        self.dropped = 0
        self.sent = 0
        self._seen: int | None = None
        self._frames: dict[str, LiveFrame] = {}
        self._statuses: dict[str, Status] = {}
        self._due_s: dict[str, float] = {}
        self._news = asyncio.Event()

    def want(self, wanted: Mapping[str, Wanted]) -> None:
        """Set the cameras to show."""
        for camera, one in wanted.items():
            if one != self.wanted.get(camera):
                self._due_s.pop(camera, None)  # a camera scrolled into view is shown at once
        self.wanted = dict(wanted)
        for gone in self._frames.keys() - self.wanted.keys():
            del self._frames[gone]

    def offer(self, camera: str, frame: LiveFrame, now_s: float) -> None:
        """Offer a picture; skipped if it exceeds the frame rate. It replaces a pending one."""
        wanted = self.wanted.get(camera)
        if wanted is None:
            return
        interval_s = 1 / wanted.fps
        # Tolerance, so that a stream of exactly this rate does not lose every other picture.
        early_s = 0.2 * interval_s
        due_s = self._due_s.get(camera, now_s)
        if now_s < due_s - early_s:
            return
        self._due_s[camera] = max(due_s, now_s - early_s) + interval_s
        self.dropped += camera in self._frames
        self._frames[camera] = frame
        self._news.set()

    def tell(self, camera: str, status: Status) -> None:
        """Queue the state of a camera; unless it is live, its pending picture is dropped."""
        if camera in self.wanted:
            self._statuses[camera] = status
            self._news.set()

    def hide(self, camera: str) -> None:
        """Drop the pending picture of a camera."""
        self._frames.pop(camera, None)

    def acknowledge(self, count: int) -> None:
        """Record how many of the sent pictures have reached the browser; one that never tells is sent all of them."""
        self._seen = min(self.sent, max(count, self._seen or 0))
        self._news.set()

    async def next(self) -> tuple[dict[str, Status], dict[str, LiveFrame]]:
        """Wait for changes; return pending states, and the pictures that may be sent, by camera.

        More pictures than the connection carries would wait in buffers on the way (of the kernel, of a proxy), and be
        old on arrival. The newest of each camera waits here instead until those before it have arrived.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            statuses, self._statuses = self._statuses, {}
            frames = {camera: self._frames.pop(camera) for camera in list(self._frames)[: self._room()]}
            if statuses or frames:
                return statuses, frames

    def _room(self) -> int:
        """Return how many pictures may be sent now."""
        if self._seen is None:
            return len(self._frames)
        return max(0, max(UNDER_WAY_MIN, len(self.wanted)) - (self.sent - self._seen))


def seen_in(body: object) -> int | None:
    """Return how many pictures a browser's message says that it received, ``{"seen": 12}``; ``None``: it does not."""
    seen = body.get("seen") if isinstance(body, dict) else None
    return seen if isinstance(seen, int) and not isinstance(seen, bool) else None


def wanted_in(body: object) -> dict[str, Wanted] | None:
    """Return the cameras requested by a browser's message: ``{"cameras": {"porch": {"fps": 5, "width": 426}}}``.

    ``None`` if it only tells what it has received.

    Raises:
        ValueError: The message is malformed.
    """
    cameras = body.get("cameras") if isinstance(body, dict) else None
    if cameras is None and seen_in(body) is not None:
        return None
    if not isinstance(cameras, dict) or len(cameras) > CAMERAS_MAX:
        raise ValueError("expected cameras")
    wanted = {}
    for camera, told in cameras.items():
        fps, width = (told.get("fps", 2), told.get("width", 0)) if isinstance(told, dict) else (0, 0)
        if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0.05 <= fps <= FPS_MAX:
            raise ValueError("expected fps from 0.05 to 30")
        if isinstance(width, bool) or not isinstance(width, int) or not 0 <= width <= 10_000:
            raise ValueError("expected width in pixels")
        wanted[str(camera)] = Wanted(float(fps), width)
    return wanted
