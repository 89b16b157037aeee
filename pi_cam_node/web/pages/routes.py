"""Routes of the HTML pages: live view at ``/``, login, and static files."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources

from aiohttp import web

from pi_cam_node.web.auth.access import access_of
from pi_cam_node.web.auth.signed_links import is_signed
from pi_cam_node.web.http.routes import NOT_MODIFIED, Described
from pi_cam_node.web.http.static_files import StaticFile, send, static_file
from pi_cam_node.web.pages.login import with_session
from pi_cam_node.web.routes import route

# Files by name; no part of a request is used as a path.
STATIC = (
    "api.js",
    "app.js",
    "base.css",
    "catalogue.js",
    "controls.js",
    "day_picker.js",
    "days.js",
    "dom.js",
    "event_list.js",
    "gallery.js",
    "history.js",
    "icon.svg",
    "live.js",
    "live_video.js",
    "login.css",
    "login.js",
    "motion_card.js",
    "motion_controls.js",
    "paged_list.js",
    "parts.css",
    "parts.js",
    "player.js",
    "plot.js",
    "privacy.js",
    "settings.css",
    "settings.js",
    "shoot.js",
    "state.js",
    "translate.js",
    "units.js",
    "view.css",
    "viewer.js",
    "watch.js",
    "words.js",
    "zone_editor.js",
    "zone_layer.js",
    "zones.js",
)
# Third-party libraries, fetched by scripts/vendor; read on first request.
VENDORED = ("hls.LICENSE", "hls.light.min.js")
PAGES = ("index.html", "login.html")
IN_SESSION = "index.html in a session"
FILES = {**NOT_MODIFIED, 404: "There is no such file."}
_NO_SESSION = b'data-session="no"'


@functools.cache
def files() -> Mapping[str, StaticFile]:
    """Return the static files by name; read once."""
    folder = resources.files("pi_cam_node.web.pages") / "static"
    contents = {name: (folder / name).read_bytes() for name in (*STATIC, *PAGES)}
    in_session = contents["index.html"].replace(_NO_SESSION, b'data-session="yes"')
    return {name: static_file(name, content) for name, content in contents.items()} | {
        IN_SESSION: static_file(".html", in_session)
    }


@functools.cache
def vendored(name: str) -> StaticFile:
    """Return a file of `VENDORED`; read once."""
    return static_file(name, (resources.files("pi_cam_node.web.pages") / "static" / "vendor" / name).read_bytes())


@route("GET", "/", "view", Described(("text/html",), refusals={303: "To the login.", **NOT_MODIFIED}), page=True)
async def index(request: web.Request) -> web.Response:
    """Return the live view, with a logout button within a session."""
    access = access_of(request)
    is_session = access.sessions.is_valid(request.cookies.get(access.cookie, ""))
    return send(request, files()[IN_SESSION if is_session else "index.html"])


@route(
    "GET", "/login", "public", Described(("text/html",), refusals={303: "A login link has logged in.", **NOT_MODIFIED})
)
async def login(request: web.Request) -> web.Response:
    """Return the login page; a link from ``pi-cam-node login`` logs in at once."""
    is_link = request.method == "GET" and is_signed(request.query)
    session = access_of(request).log_in_by_link(request) if is_link else None
    if session is not None:
        return with_session(request, web.Response(status=303, headers={"Location": "./"}), session)
    return send(request, files()["login.html"])


@route(
    "GET",
    "/static/{name}",
    "public",
    Described(("text/css", "text/javascript", "image/svg+xml"), refusals=FILES),
)
async def static(request: web.Request) -> web.Response:
    """Return a static file."""
    name = request.match_info["name"]
    if name not in STATIC:
        raise web.HTTPNotFound(text="no such file\n")
    return send(request, files()[name])


@route(
    "GET",
    "/static/vendor/{name}",
    "public",
    Described(("text/javascript", "text/plain"), refusals=FILES),
)
async def vendor(request: web.Request) -> web.Response:
    """Return a third-party library or its licence."""
    name = request.match_info["name"]
    if name not in VENDORED:
        raise web.HTTPNotFound(text="no such file\n")
    return send(request, vendored(name))
