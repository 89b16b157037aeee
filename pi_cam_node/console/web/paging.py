"""Query parameters of paged lists: limit, kind, and cursor."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from aiohttp import web

from pi_cam_node.console.store.events import LAST_MS, LIST_MAX, ms_of

Place = TypeVar("Place")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_CURSOR = re.compile(r"([0-9]{1,15})-([!-~]{1,200})")


def limit_in(request: web.Request, otherwise: int) -> int:
    """Return ``?limit=``, or the default.

    Raises:
        web.HTTPUnprocessableEntity: It is no number from 1 to `LIST_MAX`.
    """
    text = request.query.get("limit", str(otherwise))
    limit = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 1 <= limit <= LIST_MAX:
        raise web.HTTPUnprocessableEntity(text=f"limit is from 1 to {LIST_MAX}\n")
    return limit


def kind_in(request: web.Request, kinds: Collection[str]) -> str:
    """Return ``?kind=``; empty if missing.

    Raises:
        web.HTTPUnprocessableEntity: It is none of them.
    """
    text = request.query.get("kind", "")
    if text and text not in kinds:
        raise web.HTTPUnprocessableEntity(text=f"kind is one of {', '.join(kinds)} (found {text[:40]!r})\n")
    return text


def before_in(request: web.Request, place_of: Callable[[str], Place | None]) -> Place | None:
    """Return ``?before=`` as a place in the list; ``None`` if missing: begin with the newest.

    Raises:
        web.HTTPUnprocessableEntity: It is malformed; ignoring it would restart a client's paging without end.
    """
    text = request.query.get("before", "")
    place = place_of(text)
    if text and place is None:
        raise web.HTTPUnprocessableEntity(text=f"before is a row's cursor or an ISO time (found {text[:40]!r})\n")
    return place


def place_of(text: str) -> tuple[int, str] | None:
    """Return time (UTC epoch milliseconds) and id of the last row of the previous page.

    Args:
        text: A row's ``cursor``, or an ISO time, which has no id.

    Returns:
        ``None`` for anything else.
    """
    if _DATE.match(text):
        at_ms = ms_of(text, 0)
        return (at_ms, "") if at_ms else None
    cursor = _CURSOR.fullmatch(text)
    return (min(int(cursor[1]), LAST_MS - 1), cursor[2]) if cursor else None


def cursor_of(at_ms: int, row_id: object) -> str:
    """Return the cursor of a row."""
    return f"{at_ms}-{row_id}"
