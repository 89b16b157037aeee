"""Requests of people who open an address or send a form without script, and the pages that they come from."""

from __future__ import annotations

import re

from aiohttp import web
from yarl import URL

# Path of this server, to return to after a login; browsers take ``//`` and a backslash as the start of a host.
_OWN_PAGE = re.compile(r"/(?!/)[\w\-./~%?=&:+,]{0,500}", re.ASCII)
_ORIGIN = re.compile(r"^https?://[^/?#]*")


def is_visit(request: web.Request) -> bool:
    """Tell whether the browser shows the answer as a page, rather than a script of a page or a program reading it."""
    is_page = request.method in {"GET", "POST"} and "text/html" in request.headers.get("Accept", "")
    return is_page and "HX-Request" not in request.headers


def is_sent_form(request: web.Request) -> bool:
    """Tell whether the browser itself sent a form, e.g. before the page's script was there."""
    return request.method == "POST" and is_visit(request)


def shown_page(request: web.Request) -> str:
    """Return the path of the page that a request comes from; ``/`` if unknown."""
    url = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    return own_page(_ORIGIN.sub("", url))


def own_page(asked: str) -> str:
    """Return the path to return to after a login; ``/`` if it is not one of the console."""
    return asked if _OWN_PAGE.fullmatch(asked) else "/"


def login_before(asked: str) -> str:
    """Return the path of the login page that leads to another page afterwards."""
    page = own_page(asked)
    return "/login" if page == "/" else str(URL("/login").with_query(next=page))
