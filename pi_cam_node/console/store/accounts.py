"""Accounts and sessions as rows."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import field
from typing import Literal, get_args

from pi_cam_node.base.frozen import frozen

Role = Literal["owner", "member", "guest", "kiosk"]
ROLES: tuple[Role, ...] = get_args(Role)
THEMES = ("", "dark", "light")


@frozen
class Account:
    """Account of a person or a device.

    Attributes:
        id: Never changes.
        name: Login name.
        role: One of the roles, which determines its rights.
        password: Salted hash; empty for a kiosk, which cannot log in.
        cameras: Ids of the nodes that the account may see; ``None``: all.
        theme: One of `THEMES`; empty: that of the device.
    """

    id: str
    name: str
    role: Role
    password: str = field(repr=False)
    cameras: frozenset[str] | None = None
    # Excluded from comparison: no right depends on the theme.
    theme: str = field(default="", compare=False)


@frozen
class Session:
    """Login session of a device.

    Attributes:
        hash: SHA-256 of the session's name, hex.
        account: Id of the account.
        device: Name of the browser and system.
        kind: ``browser`` or ``kiosk``.
        created: UTC epoch milliseconds.
        seen: Time of its last request, UTC epoch milliseconds, accurate to the hour.
        ends: Expiry, UTC epoch milliseconds; ``None``: never.
    """

    hash: str
    account: str
    device: str
    kind: str
    created: int
    seen: int
    ends: int | None


def put_account(db: sqlite3.Connection, account: Account) -> None:
    """Add an account, or change it.

    Raises:
        sqlite3.IntegrityError: The name is taken.
    """
    cameras = "null" if account.cameras is None else json.dumps(sorted(account.cameras))
    db.execute(
        "INSERT INTO account (id, name, role, password, cameras, locale, theme) VALUES (?,?,?,?,?,'',?) "
        "ON CONFLICT (id) DO UPDATE SET name=excluded.name, role=excluded.role, password=excluded.password, "
        "cameras=excluded.cameras, theme=excluded.theme",
        (account.id, account.name, account.role, account.password, cameras, account.theme),
    )


def accounts(db: sqlite3.Connection) -> list[Account]:
    """Return every account by name."""
    rows = db.execute("SELECT id, name, role, password, cameras, theme FROM account ORDER BY name")
    return [Account(i, n, r, p, _cameras(c), theme) for i, n, r, p, c, theme in rows]


def _cameras(text: str) -> frozenset[str] | None:
    told = json.loads(text)
    return None if told is None else frozenset(told)


def delete_account(db: sqlite3.Connection, account_id: str) -> None:
    """Delete an account, its sessions and its devices."""
    db.execute("DELETE FROM account WHERE id=?", (account_id,))


def put_session(db: sqlite3.Connection, session: Session) -> None:
    """Add a session, or update its time of use."""
    db.execute(
        "INSERT INTO session VALUES (?,?,?,?,?,?,?) ON CONFLICT (hash) DO UPDATE SET seen=excluded.seen",
        (
            session.hash,
            session.account,
            session.device,
            session.kind,
            session.created,
            session.seen,
            session.ends,
        ),
    )


def see_session(db: sqlite3.Connection, session_hash: str, now_ms: int) -> None:
    """Record the use of a session, unless it has ended meanwhile."""
    db.execute("UPDATE session SET seen=? WHERE hash=?", (now_ms, session_hash))


def sessions(db: sqlite3.Connection) -> list[Session]:
    """Return every session, the oldest first."""
    rows = db.execute("SELECT hash, account, device, kind, created, seen, ends FROM session ORDER BY created")
    return [Session(*row) for row in rows]


def put_password(db: sqlite3.Connection, account: Account) -> None:
    """Store an account with its new password; its sessions end."""
    put_account(db, account)
    db.execute("DELETE FROM session WHERE account=?", (account.id,))


def delete_session(db: sqlite3.Connection, session_hash: str) -> None:
    """End a session."""
    db.execute("DELETE FROM session WHERE hash=?", (session_hash,))
