"""Names under which an application keeps what its handlers need."""

from __future__ import annotations

from typing import TypeVar, cast

from aiohttp import web

from pi_cam_node.web.context import WebContext

Kept = TypeVar("Kept")


def app_key(name: str, kind: type[Kept]) -> web.AppKey[Kept]:
    """Return a key for something of this type.

    aiohttp 3.8, which Debian 12 has, knows plain strings only; later ones warn of them.
    """
    return web.AppKey(name, kind) if hasattr(web, "AppKey") else cast("web.AppKey[Kept]", name)


SITE = app_key("site", WebContext)


def site_of(request: web.Request) -> WebContext:
    """Return what the handlers of this request may use."""
    return request.app[SITE]
