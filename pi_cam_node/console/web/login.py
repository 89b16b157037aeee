"""Routes for login, logout, set-up of the console, and pairing of a wall tablet."""

from __future__ import annotations

import asyncio
import math
import re

from aiohttp import web

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.console.accounts.registry import SESSION_DAYS
from pi_cam_node.console.config import is_contact
from pi_cam_node.console.store.accounts import Account
from pi_cam_node.console.web.forms import form_of
from pi_cam_node.console.web.gate import gate_of
from pi_cam_node.console.web.rendering import page, refused
from pi_cam_node.console.web.routes import account_or_none, context_of, owner_route, route, session_of
from pi_cam_node.console.web.visits import own_page

PAIRING_COOKIE = "pairing"
_YEARS_S = 10 * 365 * 86_400
# Tokens of a User-Agent header, the first match wins: browsers also name those further down.
_BROWSERS = (
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@route("GET", "/login", "public")
async def login_page(request: web.Request) -> web.StreamResponse:
    """Page: login form, or instructions while the console is not set up."""
    after = own_page(request.query.get("next", ""))
    if account_or_none(request) is not None:
        return web.Response(status=303, headers={"Location": after})
    context = context_of(request)
    has_owner, file = context.accounts.has_owner, context.setup.path
    return page(request, "login.html", fault="", name="", after=after, has_owner=has_owner, file=file)


@route("POST", "/login", "public")
async def log_in(request: web.Request) -> web.StreamResponse:
    """Log in by name and password; ``next`` is the page to show afterwards."""
    context, gate, form = context_of(request), gate_of(request), await form_of(request)
    is_json = request.content_type == "application/json"
    after = own_page(form.get("next", ""))
    told = {"name": form.get("name", ""), "after": after, "has_owner": True, "file": ""}
    if (wait_s := gate.wait_s(request)) > 0 and not is_json:
        fault = f"Too many wrong tries; wait {math.ceil(wait_s)} s."
        waiting = page(request, "login.html", 429, fault=fault, **told)
        waiting.headers["Retry-After"] = str(math.ceil(wait_s))
        return waiting
    gate.refuse_waiting(request)
    account = await context.accounts.verify(form.get("name", ""), form.get("password", ""))
    if account is None:
        gate.count_wrong(request)
        peer = gate.proxies.peer_of(request)
        context.note("", "login", f"refused: {form.get('name', '')[:40]!r} from {peer.address}")
        fault = "That is not a name and its password."
        if is_json:
            return web.Response(status=401, text=f"{fault}\n")
        return page(request, "login.html", 401, fault=fault, **told)
    return await _begin(request, account, is_json=is_json, after=after)


@route("POST", "/logout", "public")
async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session of the request."""
    session, gate = session_of(request), gate_of(request)
    if session is not None:
        await context_of(request).accounts.end(session.hash)
    response = web.Response(status=303, headers={"Location": "/login"})
    response.del_cookie(gate.cookie, path="/")
    return response


@route("GET", "/setup", "public")
async def setup_page(request: web.Request) -> web.StreamResponse:
    """Page: form for the first owner, opened by the one-time link."""
    context, key = context_of(request), request.query.get("key", "")
    gate_of(request).refuse_waiting(request)
    if context.accounts.has_owner:
        return web.Response(status=303, headers={"Location": "/login"})
    if not context.setup.is_(key):
        gate_of(request).count_wrong(request)
        fault = "That is not the one-time link: a part of it is missing, or the console was started again since."
        told = {"fault": fault, "name": "", "after": "/", "has_owner": False, "file": context.setup.path}
        return page(request, "login.html", 403, **told)
    return page(request, "setup.html", key=key, fault="", name="", mail="")


@route("POST", "/setup", "public")
async def set_up(request: web.Request) -> web.StreamResponse:
    """Create the first owner."""
    context, form = context_of(request), await form_of(request)
    gate_of(request).refuse_waiting(request)
    key = form.get("key") or request.query.get("key", "")
    if context.accounts.has_owner or not context.setup.is_(key):
        gate_of(request).count_wrong(request)
        raise web.HTTPForbidden(text="the set-up link was used before, or its key is wrong\n")
    mail = form.get("mail", "").strip()
    try:
        _check_mail(mail)
        account = await context.accounts.create(form.get("name", ""), "owner", form.get("password", ""))
    except BadRequest as error:
        return page(request, "setup.html", 422, key=key, fault=str(error), name=form.get("name", ""), mail=mail)
    if mail:
        await asyncio.get_running_loop().run_in_executor(None, context.keep_contact, f"mailto:{mail}")
    context.setup.close()
    context.note(account.name, "account", "set the console up")
    return await _begin(request, account, is_json=request.content_type == "application/json")


@route("GET", "/pair", "public")
async def pair_page(request: web.Request) -> web.StreamResponse:
    """Page for a wall tablet: the code that the owner types in; logs the tablet in once that is done."""
    context, known = context_of(request), account_or_none(request)
    if known is not None and known.role == "kiosk":  # e.g. redirected here while the accounts could not be read
        return web.Response(status=303, headers={"Location": "/kiosk"})
    pending = context.pairing.of(request.cookies.get(PAIRING_COOKIE, ""))
    if pending is not None and pending.session:
        context.pairing.end(pending)
        response: web.StreamResponse = web.Response(status=303, headers={"Location": "/kiosk"})
        _set_cookie(request, response, gate_of(request).cookie, pending.session, max_age_s=_YEARS_S)
        response.del_cookie(PAIRING_COOKIE, path="/pair")
        return response
    pending = pending or context.pairing.begin(gate_of(request).proxies.peer_of(request).address)
    response = page(request, "pair.html", code=pending.code)
    _set_cookie(request, response, PAIRING_COOKIE, pending.name, max_age_s=600, path="/pair")
    return response


@owner_route("POST", "/pair/approve")
async def approve(request: web.Request) -> web.StreamResponse:
    """Log in the tablet that shows a code; one that was logged out gets its account back, with its chosen cameras."""
    context, form = context_of(request), await form_of(request)
    name = re.sub(r"\s+", " ", form.get("name", "").strip())[:40] or "Wall"
    async with context.changing:  # a double click makes one account
        pending = context.pairing.with_code(form.get("code", ""))
        if pending is None:
            return refused(request, "No device shows this code now.")
        account = context.accounts.named(name)
        if account is not None and (account.role != "kiosk" or context.accounts.sessions_of(account.id)):
            account, name = None, f"{name} {pending.code}"
        try:
            account = account or await context.accounts.create(name, "kiosk", "")
            pending.session = await context.accounts.begin(account, name, "kiosk")
        except BadRequest as error:
            return refused(request, str(error))
    context.note(_who(request), "account", f"paired the kiosk {name}")
    return page(request, "parts/said.html", said="Paired. The device shows the cameras in a moment.", is_refusal=False)


def _check_mail(mail: str) -> None:
    if mail and not is_contact(f"mailto:{mail}"):
        raise BadRequest("Push services do not take this mail address: give a real one, or leave it empty.")


async def _begin(request: web.Request, account: Account, *, is_json: bool, after: str = "/") -> web.StreamResponse:
    context, gate = context_of(request), gate_of(request)
    try:
        name = await context.accounts.begin(account, device_name(request.headers.get("User-Agent", "")))
    except BadRequest as error:
        raise web.HTTPUnauthorized(text=f"{error}\n") from error
    context.note(account.name, "login", f"from {gate.proxies.peer_of(request).address}")
    response = (
        web.json_response({"ok": True, "name": account.name, "role": account.role})
        if is_json
        else web.Response(status=303, headers={"Location": after})
    )
    _set_cookie(request, response, gate.cookie, name, max_age_s=SESSION_DAYS * 86_400)
    return response


def device_name(user_agent: str) -> str:
    """Return a short name for a User-Agent, e.g. ``Firefox, Android``; unknown ones are returned unchanged."""
    browser, system = (
        next((name for sign, name in signs if sign in user_agent), "") for signs in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, (browser, system))) if browser else user_agent


def _set_cookie(
    request: web.Request, response: web.StreamResponse, name: str, value: str, *, max_age_s: int, path: str = "/"
) -> None:
    secure = gate_of(request).is_secure(request)
    response.set_cookie(name, value, max_age=max_age_s, path=path, httponly=True, samesite="Lax", secure=secure)


def _who(request: web.Request) -> str:
    account = account_or_none(request)
    return account.name if account is not None else ""
