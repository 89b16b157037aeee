"""A new password for somebody who can log in no more, written by who may write the console's files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.console.accounts import passwords
from pi_cam_node.console.store import accounts as rows

# A console that runs writes meanwhile.
WAIT_S = 10.0


def set_password(database: Path, name: str, password: str) -> str:
    """Set the password of an account in the database, and end its sessions; return its name as it is written.

    A console that runs has read its accounts already: it takes the password once it is started again.

    Args:
        database: The console's file.
        name: Of the account; upper and lower case are the same.
        password: The new one.

    Raises:
        BadRequest: There is no such account, or the password is too short or too long.
        sqlite3.Error: It cannot be written.
    """
    if fault := passwords.fault_of(password):
        raise BadRequest(fault)
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", timeout=WAIT_S, uri=True)) as db, db:
        people = [account for account in rows.accounts(db) if account.password]
        account = next((one for one in people if one.name.lower() == name.strip().lower()), None)
        if account is None:
            there = ", ".join(one.name for one in people) or "none"
            raise BadRequest(f"There is no account {name!r} with a password; there are: {there}.")
        rows.put_account(db, replace(account, password=passwords.hashed(password)))
        for session in rows.sessions(db):
            if session.account == account.id:
                rows.delete_session(db, session.hash)
    return account.name
