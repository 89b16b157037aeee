"""Typed names under which an application keeps what its handlers need."""

from __future__ import annotations

from typing import TypeVar, cast

from aiohttp import web

Kept = TypeVar("Kept")


def app_key(name: str, kind: type[Kept]) -> web.AppKey[Kept]:
    """Return a key for a value of type ``kind``.

    aiohttp 3.8, which Debian 12 has, knows plain strings only; later versions warn of them.
    """
    return web.AppKey(name, kind) if hasattr(web, "AppKey") else cast("web.AppKey[Kept]", name)
