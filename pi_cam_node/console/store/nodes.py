"""Nodes as rows, so that a node that is offline is still known by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any


def put(db: sqlite3.Connection, node_id: str, name: str, info: Mapping[str, Any], now_ms: int) -> None:
    """Store the facts that a node last published."""
    db.execute(
        "INSERT INTO node VALUES (?,?,?,?,?,?,0) ON CONFLICT (id) DO UPDATE SET name=excluded.name, url=excluded.url, "
        "last_seen=excluded.last_seen, info=excluded.info",
        (node_id, name, str(info.get("url") or ""), now_ms, now_ms, json.dumps(info)),
    )
