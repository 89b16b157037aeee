"""HTTP status of each reply code, and JSON responses."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import cast

from aiohttp import web

from pi_cam_node.base.errors import Code
from pi_cam_node.base.strict_json import json_bytes

STATUSES: Mapping[Code, int] = types.MappingProxyType(
    {
        "ok": 200,
        "bad_request": 400,
        "unknown_verb": 404,
        "unknown_key": 404,
        "out_of_range": 422,
        "read_only": 409,
        "busy": 503,
        "no_frames": 404,
        "camera_down": 503,
        "privacy_on": 403,
        "no_space": 507,
        "not_saved": 500,
        "timeout": 504,
        "expired": 410,
        "retained": 400,
        "forbidden": 403,
        "internal": 500,
    }
)
RETRY_AFTER_S = 5


def status_of(code: object) -> int:
    """Return the HTTP status of a reply code; that of ``internal`` for an unknown one."""
    return STATUSES.get(cast("Code", code), 500)


def codes_of(status: int) -> list[Code]:
    """Return the reply codes with a status, in the order of their declaration."""
    return [code for code, one in STATUSES.items() if one == status]


def retry_headers(status: int) -> dict[str, str]:
    """Return ``Retry-After`` for 503, after which a retry may succeed; nothing for other statuses."""
    return {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}


def json_response(body: object, status: int = 200) -> web.Response:
    """Return a response of strict JSON, with ``Retry-After`` if a retry may succeed."""
    raw, headers = json_bytes(body), retry_headers(status)
    return web.Response(body=raw, status=status, content_type="application/json", charset="utf-8", headers=headers)
