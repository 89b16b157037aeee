"""Answers in JSON that every reader takes."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.web.http.status_codes import RETRY_AFTER_S


def json_response(body: Mapping[str, object], status: int = 200) -> web.Response:
    """Return a response of this object."""
    headers = {"Retry-After": str(RETRY_AFTER_S[status])} if status in RETRY_AFTER_S else {}
    raw = json_bytes(body)
    return web.Response(body=raw, status=status, content_type="application/json", charset="utf-8", headers=headers)
