"""Table of nodes, so that an offline node is still known by name; erases or renames all data of a node."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

# Far more cameras than a home has; bounds what a client of the broker can fill the database with.
NODES_MAX = 64
# SQL order: nodes with stored rows first; nodes invented on the broker have none.
_HAS_ROWS = (
    "(EXISTS (SELECT 1 FROM event WHERE event.node=node.id) OR EXISTS (SELECT 1 FROM media WHERE media.node=node.id))"
)
_ORDER = f"ORDER BY {_HAS_ROWS} DESC, last_seen DESC"


def put(db: sqlite3.Connection, node_id: str, name: str, info: Mapping[str, Any], now_ms: int) -> None:
    """Store the last ``info`` of a node."""
    db.execute(
        "INSERT INTO node VALUES (?,?,?,?,?,?,0) ON CONFLICT (id) DO UPDATE SET name=excluded.name, url=excluded.url, "
        "last_seen=excluded.last_seen, info=excluded.info, hidden=0",
        (node_id, name, str(info.get("url") or ""), now_ms, now_ms, json.dumps(info)),
    )


def touch(db: sqlite3.Connection, node_id: str, seen_ms: int) -> None:
    """Record when a node was last heard."""
    db.execute("UPDATE node SET last_seen=max(last_seen, ?) WHERE id=?", (seen_ms, node_id))


def seen_since(db: sqlite3.Connection, since_ms: int) -> list[tuple[str, dict[str, Any], int]]:
    """Return id, ``info`` and time last heard of the nodes heard since a time."""
    asked = f"SELECT id, info, last_seen FROM node WHERE last_seen >= ? AND NOT hidden {_ORDER} LIMIT ?"  # noqa: S608 - text of ours, values bound
    return [(str(node), json.loads(info), int(seen)) for node, info, seen in db.execute(asked, (since_ms, NODES_MAX))]


def with_rows(db: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of the nodes with stored events, pictures or films."""
    return frozenset(str(row[0]) for row in db.execute(f"SELECT id FROM node WHERE {_HAS_ROWS}"))  # noqa: S608 - text of ours


def ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of all known nodes."""
    found = db.execute(f"SELECT id FROM node WHERE NOT hidden {_ORDER} LIMIT ?", (NODES_MAX,))  # noqa: S608 - text of ours, values bound
    return [str(row[0]) for row in found]


def hide(db: sqlite3.Connection, node: str, now_ms: int) -> None:
    """Store that a node was removed, so that its retained messages do not bring it back."""
    db.execute("INSERT OR REPLACE INTO node VALUES (?,?,'',?,?,'{}',1)", (node, node, now_ms, now_ms))


def hidden(db: sqlite3.Connection) -> list[str]:
    """Return the ids of the nodes removed last, newest at the end."""
    found = db.execute("SELECT id FROM node WHERE hidden ORDER BY last_seen DESC LIMIT ?", (NODES_MAX,)).fetchall()
    return [str(row[0]) for row in reversed(found)]


def erase(db: sqlite3.Connection, node: str) -> None:
    """Delete all rows of a node."""
    db.execute("DELETE FROM event WHERE node=? OR camera=?", (node, node))
    db.execute("DELETE FROM media WHERE node=?", (node,))
    db.execute("DELETE FROM node WHERE id=?", (node,))


def drop(db: sqlite3.Connection, node: str) -> None:
    """Delete a node that has no stored rows."""
    db.execute(f"DELETE FROM node WHERE id=? AND NOT {_HAS_ROWS}", (node,))  # noqa: S608 - text of ours, values bound


def rename(db: sqlite3.Connection, old: str, new: str) -> int:
    """Move the rows of a node to its new id; return how many events were moved."""
    moved = db.execute("UPDATE OR IGNORE event SET node=? WHERE node=?", (new, old)).rowcount
    db.execute("UPDATE event SET camera=? WHERE camera=?", (new, old))
    db.execute("DELETE FROM event WHERE node=?", (old,))
    db.execute("UPDATE OR REPLACE media SET node=? WHERE node=?", (new, old))
    db.execute("DELETE FROM node WHERE id=?", (old,))
    return int(moved)
