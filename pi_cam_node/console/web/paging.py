"""Query parameters of lists: how many rows, and the place in the list after which they are wanted."""

from __future__ import annotations

import re

from aiohttp import web

from pi_cam_node.console.store.events import LAST_MS, LIST_MAX, ms_of

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_CURSOR = re.compile(r"([0-9]{1,15})-([!-~]{1,200})")


def limit_in(request: web.Request, otherwise: int) -> int:
    """Return ``?limit=``.

    Raises:
        web.HTTPUnprocessableEntity: It is no number from 1 to `LIST_MAX`.
    """
    text = request.query.get("limit", str(otherwise))
    limit = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 1 <= limit <= LIST_MAX:
        raise web.HTTPUnprocessableEntity(text=f"limit is from 1 to {LIST_MAX}\n")
    return limit


def place_of(text: str) -> tuple[int, str] | None:
    """Return the time (UTC epoch milliseconds) and the id of the row after which others are wanted.

    Args:
        text: A row's ``cursor``, or an ISO time, which has no id.

    Returns:
        ``None`` for anything else: from the newest on.
    """
    if _DATE.match(text):
        at_ms = ms_of(text, 0)
        return (at_ms, "") if at_ms else None
    cursor = _CURSOR.fullmatch(text)
    return (min(int(cursor[1]), LAST_MS - 1), cursor[2]) if cursor else None


def cursor_of(at_ms: int, row_id: object) -> str:
    """Return the place of a row in its list."""
    return f"{at_ms}-{row_id}"
