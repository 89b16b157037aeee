"""Settings: devices for pushes, their names and quiet hours; browsers subscribe themselves."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3

from aiohttp import web

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.console import authority
from pi_cam_node.console.accounts import rights
from pi_cam_node.console.push import notify
from pi_cam_node.console.push.encryption import decoded
from pi_cam_node.console.push.endpoints import is_apple
from pi_cam_node.console.push.vapid import NO_SUBJECT
from pi_cam_node.console.rules.models import time_of_day
from pi_cam_node.console.store import devices as rows
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store.devices import DEVICES_PER_ACCOUNT, Delivery, Device
from pi_cam_node.console.store.events import EventRow
from pi_cam_node.console.web.forms import form_of, json_of, span_of
from pi_cam_node.console.web.gate import gate_of
from pi_cam_node.console.web.rendering import page, refused
from pi_cam_node.console.web.routes import account_of, context_of, owner_route, require, route

# Limited, since each test push is stored as an event.
TESTS_PER_MINUTE = 5


@route("GET", "/settings/devices", "view")
async def devices(request: web.Request) -> web.StreamResponse:
    """Page: devices of the account; owners pair wall tablets here."""
    context, account = context_of(request), require(request, "view")
    listed = await context.rows_or_none(lambda db: rows.devices(db, account.id))
    return page(
        request,
        "settings_devices.html",
        devices=listed,
        nodes=list(context.nodes),
        key=context.vapid.public_key,
        secure=gate_of(request).is_secure(request),
        has_authority=(context.loaded.config.console.base_dir / authority.FOLDER / authority.AUTHORITY).exists(),
        has_subject=context.vapid.subject != NO_SUBJECT,
        base=context.loaded.base_url,
        accounts=[one for one in context.accounts.all() if one.role != "kiosk"] if rights.may(account, "own") else [],
        has_channels=notify.is_installed(),
        install=notify.install_hint(),
    )


@route("POST", "/api/push/subscribe", "view")
async def subscribe(request: web.Request) -> web.StreamResponse:
    """Add a browser as a device: the JSON of its push subscription, and a ``label``."""
    context, account, body = context_of(request), require(request, "view"), await json_of(request)
    endpoint, keys = body.get("endpoint"), body.get("keys")
    if not isinstance(endpoint, str) or not isinstance(keys, dict):
        raise web.HTTPBadRequest(text="send the subscription: endpoint and keys\n")
    fault = context.endpoints.fault_of(endpoint) or _fault_of_keys(keys)
    if not fault and is_apple(endpoint) and context.vapid.subject == NO_SUBJECT:
        fault = "Apple takes no pushes before console.vapid_subject names a real address"
    if fault:
        raise web.HTTPUnprocessableEntity(text=f"{fault}\n")
    kept = await context.database.read(lambda db: rows.devices(db, account.id))
    old = next((device for device in kept if device.endpoint == endpoint), None)
    if old is None and len(kept) >= DEVICES_PER_ACCOUNT:
        raise web.HTTPUnprocessableEntity(text=f"this account has {DEVICES_PER_ACCOUNT} devices already\n")
    label = str(body.get("label") or "").strip()[:64] or (old.label if old else "") or "Browser"
    told = {"p256dh": str(keys["p256dh"]), "auth": str(keys["auth"]), "origin": gate_of(request).origin(request)}
    name = old.id if old is not None else secrets.token_hex(8)
    quiet = old.quiet if old is not None else {}
    created = old.created if old is not None else context.now_ms()
    device = Device(name, account.id, "webpush", endpoint, told, label, created, None, "", quiet)
    await context.database.run(lambda db: rows.put_device(db, device))
    if old is None:
        context.note(account.name, "device", f"gets pushes on {label}")
    return web.json_response({"id": device.id}, status=200 if old is not None else 201)


@route("GET", "/api/push/key", "view")
async def key(request: web.Request) -> web.StreamResponse:
    """Return the VAPID public key for subscriptions."""
    return web.json_response({"key": context_of(request).vapid.public_key})


@owner_route("POST", "/settings/channels")
async def add_channel(request: web.Request) -> web.StreamResponse:
    """Add a channel for an account: Apprise ``url``, ``account``, ``label``.

    Owners only: the address may name any host that this machine reaches.
    """
    context, form = context_of(request), await form_of(request)
    url, account = form.get("url", "").strip(), context.accounts.get(form.get("account", ""))
    fault = await asyncio.get_running_loop().run_in_executor(None, notify.fault_of, url)
    kept = await context.database.read(rows.devices)
    if account is None:
        fault = "choose an account"
    elif any(one.endpoint == url for one in kept):
        fault = "this address is there already"
    elif sum(one.account == account.id for one in kept) >= DEVICES_PER_ACCOUNT:
        fault = f"this account has {DEVICES_PER_ACCOUNT} devices already"
    if fault or account is None:
        return refused(request, fault)
    label = form.get("label", "").strip()[:64] or url.partition("://")[0]
    device = Device(secrets.token_hex(8), account.id, "apprise", url, {}, label, context.now_ms())
    await context.database.run(lambda db: rows.put_device(db, device))
    context.note(account_of(request).name, "device", f"{account.name} is told on {label}")
    return web.Response(status=201, headers={"HX-Redirect": "/settings/devices"})


@route("POST", "/settings/devices/{id}/test", "view")
async def test(request: web.Request) -> web.StreamResponse:
    """Push a test message to one device."""
    context, device = context_of(request), await _device(request)
    now_ms = context.now_ms()
    row = EventRow("", f"test-{secrets.token_hex(8)}", now_ms, "test", data={"title": device.label})
    text = "This device gets pushes."

    def write(db: sqlite3.Connection) -> bool:
        if rows.count_since(db, device.id, now_ms - 60_000) >= TESTS_PER_MINUTE:
            return False
        written, _ = event_rows.put(db, row)
        rows.put_delivery(db, Delivery(written.rowid, device.id, "waiting", 0, now_ms, None, now_ms, text))
        return True

    if not await context.database.run(write):
        return refused(request, "Wait a minute before another test.")
    context.outbox.wake()
    return page(request, "parts/said.html", said="Sent to the push service.", is_refusal=False)


@route("POST", "/settings/devices/{id}", "view")
async def change(request: web.Request) -> web.StreamResponse:
    """Set name and quiet hours of a device."""
    context, device, form = context_of(request), await _device(request), await form_of(request)
    try:
        span = span_of(form)
        for text in span:
            time_of_day(text)
    except (BadRequest, ValueError) as error:
        return refused(request, str(error))
    quiet: dict[str, object] = {"between": span} if span else {}
    label = form.get("label", "").strip()[:64] or device.label
    await context.database.run(lambda db: rows.change_device(db, device.id, label, quiet))
    return page(request, "parts/said.html", said="Saved.", is_refusal=False)


@route("POST", "/settings/devices/{id}/remove", "view")
async def remove(request: web.Request) -> web.StreamResponse:
    """Delete a device."""
    context, device = context_of(request), await _device(request)
    await context.database.run(lambda db: rows.delete_device(db, device.id))
    context.note(account_of(request).name, "device", f"no pushes on {device.label} any more")
    return web.Response(headers={"HX-Redirect": "/settings/devices"})


async def _device(request: web.Request) -> Device:
    """Return the device of a path, if it belongs to the account.

    Raises:
        web.HTTPNotFound: It does not, or there is none.
    """
    context, account, name = context_of(request), require(request, "view"), request.match_info["id"]
    device = await context.database.read(lambda db: rows.device(db, name))
    if device is None or device.account != account.id:
        raise web.HTTPNotFound(text="there is no such device\n")
    return device


def _fault_of_keys(keys: dict[object, object]) -> str:
    try:
        public, auth = decoded(str(keys.get("p256dh"))), decoded(str(keys.get("auth")))
    except ValueError:
        return "the keys of the subscription are none"
    return "" if len(public) == 65 and len(auth) == 16 else "the keys of the subscription are none"
