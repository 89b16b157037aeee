"""Table of pictures and films saved by the nodes, as of the nodes' last lists."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.store.events import LAST_MS

FILM_KINDS = ("recording", "clip", "timelapse")


@frozen
class MediaRow:
    """A picture or a film.

    Attributes:
        node: Id of the node.
        id: Its id at the node.
        at_ms: Time of its first frame, UTC epoch milliseconds.
        kind: ``single``, ``stack``, ``auto`` …; ``recording``, ``clip``, ``timelapse``.
        bytes: Size.
        seconds: Length of a film.
        is_kept: Whether it is protected from retention.
    """

    node: str
    id: str
    at_ms: int
    kind: str
    bytes: int | None = None
    seconds: float | None = None
    is_kept: bool = False


_COLUMNS = "node, id, at_ms, kind, bytes, seconds, kept_until IS NOT NULL"


def replace(
    db: sqlite3.Connection, node: str, rows: Sequence[MediaRow], before_ms: int | None = None, *, complete: bool
) -> None:
    """Store a node's list; stored rows missing from the list, within its time span, are deleted.

    Args:
        db: The database.
        node: The node's id.
        rows: Items of the list, newest first.
        before_ms: The list holds items older than this; ``None``: the newest.
        complete: Whether the node has no older items.
    """
    newest_ms = LAST_MS if before_ms is None else before_ms
    oldest_ms = 0 if complete or not rows else min(row.at_ms for row in rows)
    if complete or rows:
        db.execute("DELETE FROM media WHERE node=? AND at_ms>=? AND at_ms<?", (node, oldest_ms, newest_ms))
    db.executemany(
        "INSERT OR REPLACE INTO media (node, id, at_ms, kind, bytes, seconds, formats, event, kept_until) "
        "VALUES (?,?,?,?,?,?,'',NULL,?)",
        [
            (row.node, row.id, row.at_ms, row.kind, row.bytes, row.seconds, LAST_MS if row.is_kept else None)
            for row in rows
        ],
    )


def newest(
    db: sqlite3.Connection, nodes: Sequence[str], kind: str, limit: int, before: tuple[int, str] | None = None
) -> list[MediaRow]:
    """Return pictures and films of some nodes, newest first.

    Args:
        db: The database.
        nodes: Ids of the nodes.
        kind: ``film``, ``picture``, a `MediaKind`, or empty for all.
        limit: Maximum number.
        before: Time (UTC epoch milliseconds) and id of the last row of the previous page.
    """
    marks, films = ",".join("?" * len(nodes)), ",".join("?" * len(FILM_KINDS))
    chosen = {"film": f" AND kind IN ({films})", "picture": f" AND kind NOT IN ({films})"}.get(kind, "")
    kinds: tuple[str, ...] = FILM_KINDS if chosen else ()
    if kind and not chosen:
        chosen, kinds = " AND kind = ?", (kind,)
    if before is not None:
        chosen += " AND (at_ms, id) < (?, ?)"
    asked = f"SELECT {_COLUMNS} FROM media WHERE node IN ({marks}){chosen} ORDER BY at_ms DESC, id DESC LIMIT ?"  # noqa: S608 - text of ours, values bound
    values = (*nodes, *kinds, *(before or ()), limit)
    return [_row(found) for found in db.execute(asked, values)]


def get(db: sqlite3.Connection, node: str, name: str) -> MediaRow | None:
    """Return a picture or film."""
    found = db.execute(f"SELECT {_COLUMNS} FROM media WHERE node=? AND id=?", (node, name)).fetchone()  # noqa: S608 - text of ours, values bound
    return _row(found) if found else None


def delete(db: sqlite3.Connection, node: str, name: str) -> None:
    """Delete the row of a picture or film."""
    db.execute("DELETE FROM media WHERE node=? AND id=?", (node, name))


def keep(db: sqlite3.Connection, node: str, name: str, *, kept: bool) -> None:
    """Set whether a picture or film is protected from retention."""
    until_ms = LAST_MS if kept else None
    db.execute("UPDATE media SET kept_until=? WHERE node=? AND id=?", (until_ms, node, name))


def _row(found: tuple[str, str, int, str, int | None, float | None, int]) -> MediaRow:
    node, name, at_ms, kind, count, seconds, kept = found
    return MediaRow(node, name, at_ms, kind, count, seconds, bool(kept))
