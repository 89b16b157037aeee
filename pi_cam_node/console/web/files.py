"""The files that pages are made of: style sheet, modules, icons, the service worker. Read once, sent by name."""

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

# Of the node's page: one look for both.
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
    """Return the files by name; nothing of a request ever becomes a path."""
    shared = resources.files("pi_cam_node.web.pages") / "static"
    own = resources.files("pi_cam_node.console.web") / "static"
    contents = {name: (shared / name).read_bytes() for name in SHARED}
    contents |= {entry.name: entry.read_bytes() for entry in own.iterdir() if entry.is_file()}
    return {name: static_file(name, content) for name, content in contents.items()}


@route("GET", "/static/{name:[A-Za-z0-9_./-]+}", "public")
async def static(request: web.Request) -> web.Response:
    """Send a file."""
    return _send(request, request.match_info["name"])


@route("GET", "/ca.crt", "public")
async def authority_certificate(request: web.Request) -> web.StreamResponse:
    """Send the certificate of the house's authority, for devices to install."""
    path = context_of(request).loaded.config.console.base_dir / authority.FOLDER / authority.AUTHORITY
    try:
        content = await asyncio.get_running_loop().run_in_executor(None, path.read_bytes)
    except FileNotFoundError:
        raise web.HTTPNotFound(text="this house has no authority: pi-cam-node console ca makes one\n") from None
    return web.Response(body=content, content_type="application/x-x509-ca-cert", headers={"Cache-Control": "no-store"})


@route("GET", "/sw.js", "public")
async def service_worker(request: web.Request) -> web.Response:
    """Send the service worker; below ``/static/`` it would control nothing else."""
    return _send(request, "sw.js")


@route("GET", "/manifest.webmanifest", "public")
async def manifest(_request: web.Request) -> web.Response:
    """Say how the pages are installed as an app."""
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
