"""Settings: overview, accounts and audit log."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import settings as setting_values
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.console.config import ConsoleConfig
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.store import audit
from pi_cam_node.console.store.accounts import ROLES, Account, Session
from pi_cam_node.console.web.forms import form_of, json_of, several_of
from pi_cam_node.console.web.gate import gate_of
from pi_cam_node.console.web.rendering import page, refused, words
from pi_cam_node.console.web.routes import account_of, context_of, owner_route, require, route, session_of
from pi_cam_node.console.web.versions import refusal_of_old, version_of

AUDIT_SHOWN = 50
ROLE_WORDS = {
    "owner": "everything",
    "member": "sees everything, takes pictures, switches privacy",
    "guest": "sees chosen cameras",
    "kiosk": "a screen on the wall; logged in by pairing",
}


@route("GET", "/settings", "view")
async def overview(request: web.Request) -> web.StreamResponse:
    """Page: state of the console; for members and guests only their own account."""
    account, context = account_of(request), context_of(request)
    if account.role != "owner":
        return page(request, "settings_self.html")
    actions = await context.rows_or_none(lambda db: audit.newest(db, AUDIT_SHOWN))
    config = context.loaded.config
    values = [
        (info.key, setting_values.as_text(setting_values.plain(setting_values.raw_value(config, info.key))), info.doc)
        for info in catalogue(ConsoleConfig).values()
        if not info.secret
    ]
    return page(
        request,
        "settings.html",
        actions=actions,
        values=values,
        file=context.path,
        nodes=list(context.nodes),
        secure=gate_of(request).is_secure(request),
        damaged=context.database.was_damaged,
        children=context.supervisor.children,
    )


@frozen
class AccountView:
    """View model of an account.

    Attributes:
        account: The account.
        cameras: Names of the cameras that it may see; empty for all.
        sessions: Its sessions, the oldest first.
        version: Version of its role and cameras.
        password_version: Version of its password.
    """

    account: Account
    cameras: str
    sessions: list[Session]
    version: str
    password_version: str


@owner_route("GET", "/settings/accounts")
async def accounts(request: web.Request) -> web.StreamResponse:
    """Page: accounts, with a form for a new one."""
    context = context_of(request)
    listed = [_view(context, one) for one in context.accounts.all()]
    nodes, session = list(context.nodes), session_of(request)
    own = session.hash if session is not None else ""
    words, roles = ROLE_WORDS, ROLES[:3]
    return page(request, "settings_accounts.html", listed=listed, roles=roles, words=words, nodes=nodes, own=own)


@owner_route("POST", "/settings/accounts")
async def add(request: web.Request) -> web.StreamResponse:
    """Create an account."""
    form = await form_of(request)
    role = form.get("role", "member")
    cameras = await several_of(request, "cameras") if role == "guest" else None
    try:
        await _create(request, form.get("name", ""), role, form.get("password", ""), cameras)
    except BadRequest as error:
        return refused(request, str(error))
    return web.Response(headers={"HX-Redirect": "/settings/accounts"})


@owner_route("POST", "/settings/accounts/{id}/cameras")
async def change(request: web.Request) -> web.StreamResponse:
    """Change the role and cameras of an account, unless they have changed since the form was made (409 Conflict)."""
    context, form = context_of(request), await form_of(request)
    account = _account(request)
    role = form.get("role", account.role)
    cameras = await several_of(request, "cameras") if role in {"guest", "kiosk"} else None
    if role == "kiosk" and not cameras:
        cameras = None
    changed = f"changed {account.name}: "
    async with context.changing:
        shown = _shown(_account(request))
        if old := await refusal_of_old(request, form, "account", changed, *shown):
            return old
        try:
            await context.accounts.change(account, cameras=cameras, role=role)
        except BadRequest as error:
            return refused(request, str(error))
    context.note(account_of(request).name, "account", f"{changed}{role}, {cameras or 'every camera'}")
    return web.Response(headers={"HX-Redirect": "/settings/accounts"})


@owner_route("POST", "/settings/accounts/{id}/password")
async def new_password(request: web.Request) -> web.StreamResponse:
    """Set the password of an account whose person forgot it; its sessions end. One's own wants the old one.

    409: It was set since the page was made.
    """
    context, form = context_of(request), await form_of(request)
    account = _account(request)
    if account.id == account_of(request).id or account.role == "kiosk":
        return refused(request, "That is not an account of somebody else with a password.")
    changed = f"set the password of {account.name}"
    async with context.changing:
        if old := await refusal_of_old(request, form, "account", changed, _account(request).password):
            return old
        try:
            await context.accounts.set_password(account, form.get("new", ""))
        except BadRequest as error:
            return refused(request, str(error))
    context.note(account_of(request).name, "account", changed)
    version = version_of(context.now_ms(), _account(request).password)
    said, form_id = "The new password holds; its sessions have ended.", f"password-{account.id}"
    return page(request, "parts/changed.html", said=said, version=version, form_id=form_id, is_refusal=False)


@owner_route("POST", "/settings/accounts/{id}/remove")
async def remove(request: web.Request) -> web.StreamResponse:
    """Delete an account; its sessions and devices end."""
    context, account = context_of(request), _account(request)
    try:
        await context.accounts.remove(account)
    except BadRequest as error:
        return refused(request, str(error))
    context.note(account_of(request).name, "account", f"removed {account.name}")
    return web.Response(headers={"HX-Redirect": "/settings/accounts"})


@owner_route("POST", "/settings/sessions/{hash}/end")
async def end_session(request: web.Request) -> web.StreamResponse:
    """End a session of any account."""
    context = context_of(request)
    await context.accounts.end(request.match_info["hash"])
    context.note(account_of(request).name, "account", "ended a session")
    return web.Response(headers={"HX-Redirect": "/settings/accounts"})


@route("POST", "/settings/password", "view")
async def password(request: web.Request) -> web.StreamResponse:
    """Change the own password; ends every session, including this one."""
    context, account, form = context_of(request), require(request, "view"), await form_of(request)
    gate_of(request).refuse_waiting(request)
    if await context.accounts.verify(account.name, form.get("old", "")) is None:
        gate_of(request).count_wrong(request)
        return refused(request, "That is not the old password.")
    try:
        await context.accounts.set_password(account, form.get("new", ""))
    except BadRequest as error:
        return refused(request, str(error))
    context.note(account.name, "account", "changed the password")
    return web.Response(headers={"HX-Redirect": "/login"})


@route("POST", "/settings/look", "view")
async def look(request: web.Request) -> web.StreamResponse:
    """Set the theme of the own account: dark, light, or the device's."""
    account, form = require(request, "view"), await form_of(request)
    try:
        await context_of(request).accounts.set_theme(account, form.get("theme", ""))
    except BadRequest as error:
        return refused(request, str(error))
    return web.Response(headers={"HX-Redirect": "/settings"})


@owner_route("GET", "/api/accounts")
async def api_accounts(request: web.Request) -> web.StreamResponse:
    """List the accounts, without password hashes."""
    return web.json_response([_told(account) for account in context_of(request).accounts.all()])


@owner_route("POST", "/api/accounts")
async def api_add(request: web.Request) -> web.StreamResponse:
    """Make an account: ``{name, password, role, cameras}``."""
    body = await json_of(request)
    cameras = body.get("cameras")
    if cameras is not None and not (isinstance(cameras, list) and all(isinstance(one, str) for one in cameras)):
        raise web.HTTPUnprocessableEntity(text="cameras is a list of node ids\n")
    name, role, given = (str(body.get(field) or "") for field in ("name", "role", "password"))
    try:
        account = await _create(request, name, role or "member", given, cameras)
    except BadRequest as error:
        raise web.HTTPUnprocessableEntity(text=f"{error}\n") from None
    return web.json_response(_told(account), status=201)


async def _create(request: web.Request, name: str, role: str, given: str, cameras: Sequence[str] | None) -> Account:
    context = context_of(request)
    account = await context.accounts.create(name, role, given, cameras)
    context.note(account_of(request).name, "account", f"made {account.name}: {role}")
    return account


def _view(context: ConsoleContext, account: Account) -> AccountView:
    now_ms = context.now_ms()
    names = [node.name if (node := context.nodes.get(one)) else one for one in account.cameras or ()]
    return AccountView(
        account,
        "" if account.cameras is None else ", ".join(sorted(names)) or words("none"),
        context.accounts.sessions_of(account.id),
        version_of(now_ms, *_shown(account)),
        version_of(now_ms, account.password),
    )


def _shown(account: Account) -> tuple[object, ...]:
    """Return what the form of an account shows."""
    return account.role, account.cameras


def _told(account: Account) -> dict[str, object]:
    cameras = None if account.cameras is None else sorted(account.cameras)
    return {"id": account.id, "name": account.name, "role": account.role, "cameras": cameras}


def _account(request: web.Request) -> Account:
    account = context_of(request).accounts.get(request.match_info["id"])
    if account is None:
        raise web.HTTPNotFound(text="there is no such account\n")
    return account
