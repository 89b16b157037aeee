"""Static files of the pages: style sheet, modules, icons, service worker; read once."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Mapping
from importlib import resources

from aiohttp import web

from pi_cam_node.console import authority
from pi_cam_node.console.web.routes import context_of, route
from pi_cam_node.web.http.static_files import StaticFile, send, static_file

# Files shared with the node's page.
SHARED = (
    "base.css",
    "catalogue.js",
    "day_picker.js",
    "days.js",
    "dom.js",
    "event_list.js",
    "gallery.js",
    "icon.svg",
    "live_video.js",
    "motion_card.js",
    "motion_controls.js",
    "paged_list.js",
    "parts.css",
    "player.js",
    "translate.js",
    "vendor/hls.light.min.js",
    "vendor/hls.LICENSE",
    "vendor/htmx.min.js",
    "vendor/htmx.LICENSE",
    "viewer.js",
    "watch.js",
    "words.js",
    "zone_editor.js",
    "zone_layer.js",
    "zones.js",
)


@functools.cache
def files() -> Mapping[str, StaticFile]:
    """Return the files by name; no part of a request is used as a path."""
    shared = resources.files("pi_cam_node.web.pages") / "static"
    own = resources.files("pi_cam_node.console.web") / "static"
    contents = {name: (shared / name).read_bytes() for name in SHARED}
    contents |= {entry.name: entry.read_bytes() for entry in own.iterdir() if entry.is_file()}
    # Phones outside load them over slow links.
    return {name: static_file(name, content, is_compressed=True) for name, content in contents.items()}


@route("GET", "/static/{name:[A-Za-z0-9_./-]+}", "public")
async def static(request: web.Request) -> web.Response:
    """Return a static file."""
    return _send(request, request.match_info["name"])


@route("GET", "/ca.crt", "public")
async def authority_certificate(request: web.Request) -> web.StreamResponse:
    """Return the certificate of the private authority, for devices to install."""
    path = context_of(request).loaded.config.console.base_dir / authority.FOLDER / authority.AUTHORITY
    try:
        content = await asyncio.get_running_loop().run_in_executor(None, path.read_bytes)
    except FileNotFoundError:
        raise web.HTTPNotFound(text="this house has no authority: pi-cam-node console ca makes one\n") from None
    return web.Response(body=content, content_type="application/x-x509-ca-cert", headers={"Cache-Control": "no-store"})


@route("GET", "/sw.js", "public")
async def service_worker(request: web.Request) -> web.Response:
    """Return the service worker, at the root because its scope is limited to its own folder."""
    return _send(request, "sw.js")


@route("GET", "/manifest.webmanifest", "public")
async def manifest(_request: web.Request) -> web.Response:
    """Return the web app manifest."""
    body = {
        "name": "pi_cam_node",
        "short_name": "Cameras",
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#131517",
        "theme_color": "#131517",
        "icons": [
            {"src": "/static/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any"},
            {"src": "/static/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any"},
            {"src": "/static/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        ],
    }
    return web.Response(text=json.dumps(body), content_type="application/manifest+json", charset="utf-8")


def _send(request: web.Request, name: str) -> web.Response:
    file = files().get(name)
    if file is None:
        raise web.HTTPNotFound(text="no such file\n")
    return send(request, file)
