"""Renders pages and error pages from Jinja2 templates, translatable and with autoescaping."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any

import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from markupsafe import Markup, escape

from pi_cam_node import __version__
from pi_cam_node.base.clock import iso, utc_of_ms
from pi_cam_node.console.accounts import rights
from pi_cam_node.console.web import files
from pi_cam_node.console.web.routes import account_or_none, context_of
from pi_cam_node.console.web.visits import is_sent_form, is_visit, shown_page

NAVIGATION = (
    ("/", "Live"),
    ("/events", "Events"),
    ("/recordings", "Recordings"),
    ("/sensors", "Sensors"),
    ("/settings", "Settings"),
)


@functools.cache
def environment() -> jinja2.Environment:
    """Return the Jinja2 environment; templates are read once."""
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


# Titles of error pages by status; of a signed link, which has no account, by the second.
_REFUSAL_TITLES = {403: "Not for this account", 404: "Not found", 429: "Not now", 503: "Not now"}
_LINK_REFUSAL_TITLES = {**_REFUSAL_TITLES, 403: "Not shown"}
_REFUSAL_OTHERWISE = "That did not work"


def translate(made: jinja2.Environment, text: Callable[[str], str], several: Callable[[str, str, int], str]) -> None:
    """Set the functions that translate the pages' texts.

    `_` in templates takes literals only, as its result is markup and a format string. Texts from Python are translated
    by the filter ``words``, and escaped like any value.
    """
    made.install_gettext_callables(text, several, newstyle=True)  # type: ignore[attr-defined]
    made.filters["words"] = lambda value: text(str(value)) if value else ""


def words(value: str) -> str:
    """Return the translation of a text; unchanged if there is none."""
    return str(environment().filters["words"](value))


def build_id() -> str:
    """Return a build id, which changes with the pages; kiosks reload then."""
    digest = hashlib.sha256(__version__.encode())
    for name, file in sorted(files.files().items()):
        digest.update(name.encode() + file.etag.encode())
    return digest.hexdigest()[:12]


def page(request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
    """Render a template as a response; a part of a page within a whole page, if the browser itself sent a form."""
    if template.startswith("parts/") and is_sent_form(request):
        values |= {"part": template, "back": shown_page(request)}
        template = "answer.html"
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
        "lists_nodes": bool(context.dispatcher.topics.nodes),
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


def refused(request: web.Request, said: str, status: int = 422) -> web.Response:
    """Return why a form was refused, as a part of the page."""
    return page(request, "parts/said.html", status, said=said, is_refusal=True)


def moment(at_ms: int | None) -> Markup:
    """Return a time element, which the browser formats in its own time zone and language."""
    if not at_ms:
        return Markup("–")
    at = utc_of_ms(at_ms)
    return Markup('<time datetime="{}">{} UTC</time>').format(escape(iso(at)), at.strftime("%Y-%m-%d %H:%M:%S"))


def size(count: float | None) -> str:
    """Return a number of bytes with a unit."""
    if count is None:
        return ""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


@web.middleware
async def whole_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: to what the browser itself opened or sent, answer errors as pages, and htmx redirects as its own."""
    try:
        answer = await handler(request)
    except web.HTTPException as refusal:
        worded_as_page(request, refusal)
        raise
    if is_sent_form(request) and "HX-Redirect" in answer.headers:
        return web.Response(status=303, headers={"Location": answer.headers["HX-Redirect"]})
    return answer


def worded_as_page(request: web.Request, refusal: web.HTTPException) -> None:
    """Make an error a page if a person opened the address; with navigation if that person has logged in."""
    if refusal.status < web.HTTPBadRequest.status_code or not is_visit(request):
        return
    said = (refusal.text or "").strip()
    if said == f"{refusal.status}: {refusal.reason}":  # of an address that no route has
        said = "there is no such page"
    titles = _LINK_REFUSAL_TITLES if account_or_none(request) is None else _REFUSAL_TITLES
    title = words(titles.get(refusal.status, _REFUSAL_OTHERWISE))
    shown = page(request, "refused.html", title=title, said=f"{said[:1].upper()}{said[1:]}.")
    refusal.text = shown.text or ""
    refusal.content_type = shown.content_type
