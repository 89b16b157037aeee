"""Audit log: the last 10,000 actions, at most half of them of one account.

The newest row of kind ``mode`` holds the mode, that of kind ``pushes`` the pause of pushes.
"""

from __future__ import annotations

import sqlite3

from pi_cam_node.base.frozen import frozen

KEPT_ROWS = 10_000
# Kinds whose newest row is the state in force.
STATES = ("mode", "pushes")
# Limit of one account, so that none can flush its earlier actions out of the log.
KEPT_OF_ACCOUNT = KEPT_ROWS // 2


@frozen
class AuditRow:
    """One audited action.

    Attributes:
        at_ms: When, UTC epoch milliseconds.
        account: Name of the account; empty for the console itself.
        kind: ``login``, ``command``, ``setting``, ``rule``, ``account``, ``device``, ``mode``, ``pushes``, ``event``.
        what: Description of the action.
    """

    at_ms: int
    account: str
    kind: str
    what: str


def add(db: sqlite3.Connection, row: AuditRow) -> None:
    """Add an action, and delete the oldest beyond the limits."""
    account = row.account[:64]
    db.execute(
        "INSERT INTO audit (at_ms, account, kind, what) VALUES (?,?,?,?)",
        (row.at_ms, account, row.kind, row.what[:500]),
    )
    for of_whom, kept in (("account = ?1", KEPT_OF_ACCOUNT), ("?1 = ?1", KEPT_ROWS)):
        db.execute(
            f"DELETE FROM audit WHERE rowid IN (SELECT rowid FROM audit WHERE {of_whom} "  # noqa: S608 - texts above
            "ORDER BY rowid DESC LIMIT -1 OFFSET ?2) AND rowid NOT IN "
            f"(SELECT max(rowid) FROM audit WHERE kind IN {STATES} GROUP BY kind)",
            (account, kept),
        )


def newest(db: sqlite3.Connection, limit: int) -> list[AuditRow]:
    """Return the last actions, newest first."""
    asked = "SELECT at_ms, account, kind, what FROM audit ORDER BY rowid DESC LIMIT ?"
    return [AuditRow(*found) for found in db.execute(asked, (limit,))]


def since(db: sqlite3.Connection, kind: str, begin: str, since_ms: int) -> list[AuditRow]:
    """Return the actions of a kind since a time whose description begins with a text, newest first."""
    asked = (
        "SELECT at_ms, account, kind, what FROM audit WHERE kind=?1 AND at_ms>=?2 AND substr(what, 1, length(?3))=?3 "
        "ORDER BY rowid DESC"
    )
    return [AuditRow(*found) for found in db.execute(asked, (kind, since_ms, begin))]


def mode(db: sqlite3.Connection) -> str:
    """Return ``home`` or ``away``; ``home`` where none was set."""
    found = last(db, "mode")
    return found if found in {"home", "away"} else "home"


def last(db: sqlite3.Connection, kind: str) -> str:
    """Return the text of the newest row of a kind; empty if there is none."""
    found = db.execute("SELECT what FROM audit WHERE kind=? ORDER BY rowid DESC LIMIT 1", (kind,)).fetchone()
    return str(found[0]) if found else ""
