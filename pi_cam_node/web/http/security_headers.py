"""Security headers of every response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

STATIC = "/static/"

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Browsers show pictures, films and streams in a document of their own, with styles and without scripts.
PICTURE_POLICY = (
    "default-src 'none'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PICTURES = ("image/jpeg", "image/png", "video/", "multipart/x-mixed-replace")
_ALWAYS = {
    # For browsers without frame-ancestors.
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # With ``no-referrer`` browsers send "Origin: null" for forms, which the origin check refuses.
    "Referrer-Policy": "same-origin",
}


def security_headers(policy: str, prefix: str = "") -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return an on_response_prepare handler of aiohttp that adds the security headers.

    Responses are not cached, except static files, unless a handler sets Cache-Control.

    Args:
        policy: The Content-Security-Policy; pictures have one of their own.
        prefix: See `application`.
    """

    async def complete(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_ALWAYS)
        is_picture = response.content_type.startswith(_PICTURES)
        response.headers.setdefault("Content-Security-Policy", PICTURE_POLICY if is_picture else policy)
        # Handlers of pictures override this: dashboards elsewhere may show them, though scripts there cannot read them.
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-site")
        if not request.path.removeprefix(prefix).startswith(STATIC):
            response.headers.setdefault("Cache-Control", "no-store")
        # The server's version helps attackers only.
        response.headers.popall("Server", None)

    return complete
