"""Snapshot route: the newest picture, or one exposed after the request."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.config import Config
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.rules.camera_timeout import interval_s
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.http.file_response import is_known
from pi_cam_node.web.http.privacy_cutoff import send_whole
from pi_cam_node.web.http.routes import NOT_MODIFIED, Described
from pi_cam_node.web.http.status_codes import retry_headers
from pi_cam_node.web.live.multipart import frame_headers
from pi_cam_node.web.routes import context_of, route

_log = logging.getLogger(__name__)

LEAST_WIDTH_PX = 16

# Dashboards elsewhere may show the picture in an <img>, whose pixels their scripts cannot read. ``same-site`` is not
# enough: Chromium treats two ports of one IP address as different sites.
EMBEDDABLE = {"Cross-Origin-Resource-Policy": "cross-origin"}


@route(
    "GET",
    "/snapshot.jpg",
    "view",
    Described(
        ("image/jpeg",),
        query={
            "fresh": ({"enum": ["0", "1"]}, "1: a picture whose exposure begins after the request."),
            "width": ({"type": "integer", "minimum": LEAST_WIDTH_PX}, "Its width at most, in pixels."),
        },
        refusals={**NOT_MODIFIED, 503: "The camera is offline.", 504: "No picture was taken in time."},
    ),
)
async def snapshot(request: web.Request) -> web.StreamResponse:
    """Return the newest picture; ``?fresh=1``: one exposed after the request; ``?width=``: a smaller one."""
    context, width_px, is_fresh_wanted = context_of(request), asked_width(request), asked_fresh(request)
    context.hub.privacy_gate.check()
    generation = context.hub.privacy_gate.generation
    config, frame = context.state.config, context.hub.latest
    if frame is not None and is_fresh_wanted:
        timeout_s = fresh_timeout_s(config, frame)
        try:
            frame = await asyncio.wait_for(frame_after(context.hub, context.clock.monotonic()), timeout_s)
        except TimeoutError:
            text = f"No picture was taken within {timeout_s:.1f} s of the request.\n"
            return web.Response(status=504, text=text)
    context.hub.privacy_gate.check()
    if frame is None:
        return web.Response(status=503, text="The camera is offline.\n", headers=retry_headers(503))
    etag = f"{frame.seq}-{frame.captured_at.timestamp():.3f}-{frame.quality}-{width_px or 'full'}"
    headers = {**frame_headers(frame), "ETag": f'"{etag}"', "Cache-Control": "private, no-cache", **EMBEDDABLE}
    if is_known(request, etag):
        return web.Response(status=304, headers=headers)
    body = frame.jpeg
    if width_px is not None:
        try:
            body = await asyncio.to_thread(resized_of, frame, width_px, context.images)
        except NotSaved as error:
            _log.warning("no smaller picture: %s", error)
            raise web.HTTPServiceUnavailable(text="The picture cannot be made smaller now.\n") from None
    response = web.Response(body=body, content_type="image/jpeg", headers=headers)
    return await send_whole(context.hub.privacy_gate, request, response, generation)


def asked_width(request: web.Request) -> int | None:
    """Return ``?width=`` in pixels; ``None`` if missing.

    Raises:
        HTTPBadRequest: It is not an integer, or too small.
    """
    raw = request.query.get("width")
    if raw is None:
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 9 and int(raw) >= LEAST_WIDTH_PX):
        raise web.HTTPBadRequest(text=f"width must be {LEAST_WIDTH_PX} or more pixels (found {raw[:40]!r})\n")
    return int(raw)


def asked_fresh(request: web.Request) -> bool:
    """Return ``?fresh=``; false if missing or empty.

    Raises:
        HTTPBadRequest: It is no boolean.
    """
    raw = request.query.get("fresh", "")
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() not in ("", "0", "false", "no", "off"):
        raise web.HTTPBadRequest(text=f"fresh must be 1 or 0 (found {raw[:40]!r})\n")
    return False


def fresh_timeout_s(config: Config, frame: Frame) -> float:
    """Return the timeout for a fresh frame in seconds, the same as for the command ``save``.

    That is ``camera.capture_timeout_s`` after the frame being exposed and the next one.
    """
    return config.camera.capture_timeout_s + 2 * interval_s(config, frame.mode)


async def frame_after(hub: FrameHub, mono_s: float) -> Frame | None:
    """Wait for a frame whose exposure began after a monotonic time; ``None`` if the camera becomes unavailable."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Frame | None] = loop.create_future()

    def resolve(frame: Frame | None) -> None:
        if not found.done():
            found.set_result(frame)

    def on_frame(frame: Frame | None) -> None:  # on the node thread
        if frame is None or frame.exposed_mono_s >= mono_s:
            try:
                loop.call_soon_threadsafe(resolve, frame)
            except RuntimeError:
                _log.debug("a frame came after the web server's loop had closed")

    unsubscribe = hub.subscribe(on_frame)
    try:
        return await found
    finally:
        unsubscribe()


def resized_of(frame: Frame, width_px: int, images: ImageTasks) -> bytes:
    """Return a frame as a JPEG no wider than ``width_px``; never enlarges.

    Thread: any but the event loop's.
    """
    width, height = frame.size
    if width_px >= width:
        return frame.jpeg
    size = (max(2, width_px // 2 * 2), max(2, round(height * width_px / width / 2) * 2))
    return images.resize(frame.jpeg, size, frame.quality)
