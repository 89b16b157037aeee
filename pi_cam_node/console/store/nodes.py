"""Nodes as rows: so that a node that is away is still known by its name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any


def put(db: sqlite3.Connection, node_id: str, name: str, info: Mapping[str, Any], now_ms: int) -> None:
    """Note a node as it last told of itself."""
    db.execute(
        "INSERT INTO node VALUES (?,?,?,?,?,?,0) ON CONFLICT (id) DO UPDATE SET name=excluded.name, url=excluded.url, "
        "last_seen=excluded.last_seen, info=excluded.info",
        (node_id, name, str(info.get("url") or ""), now_ms, now_ms, json.dumps(info)),
    )
