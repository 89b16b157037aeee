"""Security headers of every response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

STATIC = "/static/"

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# A browser shows a picture, film or stream in a page of its own making, with styles in it and no script.
PICTURE_POLICY = (
    "default-src 'none'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PICTURES = ("image/jpeg", "image/png", "video/", "multipart/x-mixed-replace")
_ALWAYS = {
    # For browsers from before frame-ancestors.
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # With no referrer at all a browser sends "Origin: null" for a form, which the check of origins must refuse.
    "Referrer-Policy": "same-origin",
}


def security_headers(policy: str, prefix: str = "") -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return a signal handler of aiohttp that completes the headers of an answer just before they are sent.

    Pictures belong to their owner, so no cache keeps anything but the files of the page, unless a handler says so.

    Args:
        policy: The Content-Security-Policy; pictures have one of their own.
        prefix: See `application`.
    """

    async def complete(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_ALWAYS)
        is_picture = response.content_type.startswith(_PICTURES)
        response.headers.setdefault("Content-Security-Policy", PICTURE_POLICY if is_picture else policy)
        # Pictures say otherwise: a dashboard elsewhere may show them, though no script there can read them.
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-site")
        if not request.path.removeprefix(prefix).startswith(STATIC):
            response.headers.setdefault("Cache-Control", "no-store")
        # The version of what answers helps attackers only.
        response.headers.popall("Server", None)

    return complete
