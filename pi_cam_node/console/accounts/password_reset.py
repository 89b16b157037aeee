"""Sets a forgotten password directly in the console's database, for a user with write access to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.console.accounts import passwords
from pi_cam_node.console.accounts.registry import name_key
from pi_cam_node.console.store import accounts as rows

# How long to wait for a running console to finish writing.
WAIT_S = 10.0


def set_password(database: Path, name: str, password: str) -> str:
    """Set the password of an account and delete its sessions; return the account's name as stored.

    A running console has the accounts in memory; it uses the new password after its next start.

    Args:
        database: The console's file.
        name: Name of the account, in any case.
        password: The new password.

    Raises:
        BadRequest: There is no such account, or the password is too short or too long.
        sqlite3.Error: The database cannot be written.
    """
    if fault := passwords.fault_of(password):
        raise BadRequest(fault)
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", timeout=WAIT_S, uri=True)) as db, db:
        people = [account for account in rows.accounts(db) if account.password]
        account = next((one for one in people if name_key(one.name) == name_key(name)), None)
        if account is None:
            there = ", ".join(one.name for one in people) or "none"
            raise BadRequest(f"There is no account {name!r} with a password; there are: {there}.")
        rows.put_password(db, replace(account, password=passwords.hashed(password)))
    return account.name
