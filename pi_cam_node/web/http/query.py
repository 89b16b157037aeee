"""Check of a request's query parameters against those that its route declares."""

from __future__ import annotations

import re

from aiohttp import web

from pi_cam_node.web.auth.signed_links import EXPIRES, SIGNATURE
from pi_cam_node.web.http.routes import Route

NAME_SHOWN = 40
# A time in seconds or milliseconds since 1970, or a random number, as dashboards append to get past caches.
_LONG_NUMBER = re.compile(r"[0-9.]{9,}", re.ASCII)


def check_query(request: web.Request, route: Route) -> None:
    """Refuse unknown and repeated query parameters of a route that declares some; a misspelt one is not ignored.

    An unknown one is ignored if its value is a long number, as in ``t=1795203901``.

    Raises:
        web.HTTPBadRequest: A parameter is unknown, or repeated.
    """
    known = route.described.query
    if not known:
        return
    signed = (EXPIRES, SIGNATURE) if route.need.signed else ()
    for name in dict.fromkeys(request.query):
        values = request.query.getall(name)
        if name in known or name in signed:
            if len(values) > 1:
                raise web.HTTPBadRequest(text=f"{name}: it is there twice; give it once\n")
        elif not all(map(_LONG_NUMBER.fullmatch, values)):
            taken = " and ".join(known)
            raise web.HTTPBadRequest(text=f"{name[:NAME_SHOWN]}: unknown parameter; {route.path} takes {taken}\n")
