"""Pages, those of refusals too, from templates: Jinja2 with each text marked for translation, and nothing unescaped."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from markupsafe import Markup, escape

from pi_cam_node import __version__
from pi_cam_node.base.clock import iso
from pi_cam_node.console.accounts import rights
from pi_cam_node.console.web import files
from pi_cam_node.console.web.routes import account_or_none, context_of

NAVIGATION = (
    ("/", "Live"),
    ("/events", "Events"),
    ("/recordings", "Recordings"),
    ("/sensors", "Sensors"),
    ("/settings", "Settings"),
)


@functools.cache
def environment() -> jinja2.Environment:
    """Return the templates; read once each."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pi_cam_node.console.web", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.filters["moment"] = moment
    made.filters["size"] = size
    made.filters["begun"] = lambda said: said[:1].upper() + said[1:]
    translate(made, str, lambda one, many, count: one if count == 1 else many)
    return made


# Of the pages that say why something is refused.
_REFUSAL_TITLES = {403: "Not for this account", 404: "Not found", 503: "Not now"}
_REFUSAL_OTHERWISE = "That did not work"


def translate(made: jinja2.Environment, text: Callable[[str], str], several: Callable[[str, str, int], str]) -> None:
    """Have pages in the language of these functions.

    `_` in templates takes literals alone: what it returns is markup, and a format. Texts that come from Python are
    looked up by the filter ``words``, and escaped as any value.
    """
    made.install_gettext_callables(text, several, newstyle=True)  # type: ignore[attr-defined]
    made.filters["words"] = lambda value: text(str(value)) if value else ""


def words(value: str) -> str:
    """Return a text in the language of the pages; as it is where the catalogue has none for it."""
    return str(environment().filters["words"](value))


def build_id() -> str:
    """Return an id that changes with the pages: kiosks reload then."""
    digest = hashlib.sha256(__version__.encode())
    for name, file in sorted(files.files().items()):
        digest.update(name.encode() + file.etag.encode())
    return digest.hexdigest()[:12]


def page(request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
    """Return a page, or a part of one."""
    context, account = context_of(request), account_or_none(request)
    broker = context.dispatcher.broker
    shared = {
        "account": account,
        "may_act": account is not None and rights.may(account, "act"),
        "may_own": account is not None and rights.may(account, "own"),
        "broker": broker,
        "broker_since": context.dispatcher.since_ms,
        "build": build_id(),
        "disk": context.database.trouble,
        "mode": context.mode,
        "navigation": NAVIGATION,
        "others": sorted(context.dispatcher.others),
        "path": request.path,
        "paused_until": context.pause.until,
        "theme": account.theme if account else "",
        "version": __version__,
    }
    text = environment().get_template(template).render({**shared, **values})
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def moment(at_ms: int | None) -> Markup:
    """Return a time as an element that the browser words in its own zone and language."""
    if not at_ms:
        return Markup("–")
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(escape(iso(at)), at.strftime("%Y-%m-%d %H:%M:%S"))


def size(count: float | None) -> str:
    """Return a number of bytes as people say it."""
    if count is None:
        return ""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


@web.middleware
async def refusal_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a refusal as a page, where a person who is logged in opened the address: bare text has no way back."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        if refusal.status < web.HTTPBadRequest.status_code or not _is_visit(request):
            raise
        said = (refusal.text or "").strip()
        if said == f"{refusal.status}: {refusal.reason}":  # of an address that no route has
            said = "there is no such page"
        title = words(_REFUSAL_TITLES.get(refusal.status, _REFUSAL_OTHERWISE))
        return page(request, "refused.html", refusal.status, title=title, said=f"{said[:1].upper()}{said[1:]}.")


def _is_visit(request: web.Request) -> bool:
    """Tell whether a person who is logged in opened the address: no part of a page asks, and no program."""
    is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    return is_page and "HX-Request" not in request.headers and account_or_none(request) is not None
