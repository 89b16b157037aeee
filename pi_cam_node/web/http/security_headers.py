"""The headers that every response carries, whoever made it."""

from __future__ import annotations

from aiohttp import web

STATIC = "/static/"

ALWAYS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # For browsers from before frame-ancestors.
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # With no referrer at all a browser sends "Origin: null" for a form, which the check of origins must refuse.
    "Referrer-Policy": "same-origin",
}


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Complete the headers just before they are sent; a signal handler of aiohttp.

    Pictures belong to their owner, so nothing but the files of the page is kept by anybody on the
    way, unless a handler says otherwise.
    """
    response.headers.update(ALWAYS)
    # Pictures say otherwise: a dashboard elsewhere may show them, though no script there can read them.
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-site")
    if not request.path.startswith(STATIC):
        response.headers.setdefault("Cache-Control", "no-store")
    # Nobody needs to know which version of what answers.
    response.headers.popall("Server", None)
