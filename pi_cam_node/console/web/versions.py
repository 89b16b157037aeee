"""Versions of what forms change: a form of an outdated page is refused, so that no change is lost unnoticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from aiohttp import web

from pi_cam_node.console.store import audit
from pi_cam_node.console.web.rendering import refused
from pi_cam_node.console.web.routes import context_of

# Name of the form's field.
FIELD = "version"


def version_of(at_ms: int, *values: object) -> str:
    """Return the version of values that a page shows: their digest, and when the page was made (UTC epoch ms)."""
    return f"{at_ms}-{_digest(values)}"


async def refusal_of_old(
    request: web.Request, form: Mapping[str, str], kind: str, what: str, *values: object
) -> web.Response | None:
    """Return the refusal of a form whose page showed other values, with who changed them; ``None`` if it may proceed.

    A form without a version is not checked: it comes from a program.

    Args:
        request: The request.
        form: Its fields.
        kind: Kind of the audited action that changes the values.
        what: Beginning of that action's description.
        values: The values in force, in the order of `version_of`.
    """
    since, _, digest = form.get(FIELD, "").partition("-")
    if not digest or digest == _digest(values):
        return None
    context, since_ms = context_of(request), int(since[:18]) if since.isascii() and since.isdigit() else 0
    found = await context.rows_or_none(lambda db: audit.since(db, kind, what, since_ms))
    by = f" by {found[0].account}" if found and found[0].account else ""
    said = f"Changed meanwhile{by}; nothing was saved. Reload the page to see it, then change it again."
    return refused(request, said, 409)


def _digest(values: tuple[object, ...]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=sorted).encode()).hexdigest()[:16]
