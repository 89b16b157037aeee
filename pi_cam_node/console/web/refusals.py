"""Shows people who are logged in a refusal as a page of the console: one of bare text has no way back."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from pi_cam_node.console.web.rendering import page, words
from pi_cam_node.console.web.routes import account_or_none

TITLES = {403: "Not for this account", 404: "Not found", 503: "Not now"}
OTHERWISE = "That did not work"


@web.middleware
async def refusal_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a browser that goes to an address with a page where the handler refuses; raises as it does elsewhere."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        if refusal.status < web.HTTPBadRequest.status_code or not _is_for_people(request):
            raise
        said = (refusal.text or "").strip()
        title = words(TITLES.get(refusal.status, OTHERWISE))
        return page(request, "refused.html", refusal.status, title=title, said=f"{said[:1].upper()}{said[1:]}.")


def _is_for_people(request: web.Request) -> bool:
    """Tell whether a person who is logged in goes to an address, and no part of a page or program asks."""
    is_visit = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    return is_visit and "HX-Request" not in request.headers and account_or_none(request) is not None
