"""The accounts and sessions in force: read once, kept in memory, written through to the database."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from pi_cam_node.base.clock import Clock, epoch_ms
from pi_cam_node.base.errors import BadRequest, Busy
from pi_cam_node.console.accounts import passwords
from pi_cam_node.console.names import order_of
from pi_cam_node.console.store import accounts as rows
from pi_cam_node.console.store.accounts import ROLES, THEMES, Account, Role, Session
from pi_cam_node.console.store.database import Database

ACCOUNTS_MAX = 64
SESSIONS_PER_ACCOUNT = 32
SESSION_DAYS = 30
SEEN_EVERY_MS = 3_600_000
# Each hash takes 16 MiB while it is made.
HASHES_AT_ONCE, HASHES_WAITING_MAX = 2, 16
NAME_MAX = 64
Result = TypeVar("Result")
_DAY_MS = 86_400_000
# Zero-width joiners of letters and emoji: allowed in names, and ignored when names are compared.
_JOINERS = {0x200C: None, 0x200D: None}


class Accounts:
    """Accounts and sessions. Thread: the loop's."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[str, Session] = {}
        self._pool = ThreadPoolExecutor(HASHES_AT_ONCE, "console-hash")
        self._hashing = 0
        # Serializes changes of accounts, each of which begins with the account's current state.
        self._changing = asyncio.Lock()
        # Verified for unknown names, so that the response time does not reveal which names exist.
        self._nobody = f"scrypt${passwords.N}${passwords.R}${passwords.P}${'A' * 22}==${'A' * 43}="

    async def load(self) -> None:
        """Read accounts and sessions from the database.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        self._accounts = {account.id: account for account in await self._database.read(rows.accounts)}
        now_ms = epoch_ms(self._clock.utcnow())
        kept = await self._database.read(rows.sessions)
        self._sessions = {s.hash: s for s in kept if s.ends is None or s.ends > now_ms}

    @property
    def has_owner(self) -> bool:
        """Whether an owner exists, so that the console is set up."""
        return any(account.role == "owner" for account in self._accounts.values())

    def all(self) -> list[Account]:
        """Return every account by name."""
        return sorted(self._accounts.values(), key=lambda account: order_of(account.name))

    def get(self, account_id: str) -> Account | None:
        """Return an account by id."""
        return self._accounts.get(account_id)

    def named(self, name: str) -> Account | None:
        """Return an account by name; upper and lower case are the same."""
        wanted = name_key(name)
        return next((a for a in self._accounts.values() if name_key(a.name) == wanted), None)

    async def create(self, name: str, role: str, password: str, cameras: Iterable[str] | None = None) -> Account:
        """Make an account.

        Raises:
            BadRequest: Something about it is wrong; the message says what.
            StoreUnavailable: It could not be kept.
        """
        name = name.strip()
        if not 0 < len(name) <= NAME_MAX:
            raise BadRequest(f"The name has 1 to {NAME_MAX} characters.")
        if not name_key(name) or not name.translate(_JOINERS).isprintable():
            raise BadRequest("The name has a character that cannot be seen.")
        known_role = _role(role)
        fault = "" if role == "kiosk" else passwords.fault_of(password)
        if fault:
            raise BadRequest(fault)
        self._refuse_another(name)
        stored = "" if role == "kiosk" else await self._in_pool(passwords.hashed, password)
        seen = None if cameras is None else frozenset(cameras)
        account = Account(secrets.token_hex(8), name, known_role, stored, seen)
        async with self._changing:
            self._refuse_another(name)  # another one may have been made while the password was hashed
            await self._keep(account)
        return account

    async def change(self, account: Account, *, cameras: Iterable[str] | None, role: str) -> Account:
        """Give an account another role and other cameras.

        Raises:
            BadRequest: The last owner would be gone, or the account is.
        """
        new_role = _role(role)
        seen = None if cameras is None else frozenset(cameras)
        async with self._changing:
            now = self._current(account)
            if now.role == "owner" and new_role != "owner":
                self._refuse_last_owner(now)
            changed = replace(now, role=new_role, cameras=seen)
            await self._keep(changed)
        return changed

    async def set_password(self, account: Account, password: str) -> None:
        """Change a password; every session of the account ends.

        Raises:
            BadRequest: It is too short or too long, or the account is gone.
        """
        fault = passwords.fault_of(password)
        if fault:
            raise BadRequest(fault)
        stored = await self._in_pool(passwords.hashed, password)
        async with self._changing:
            changed = replace(self._current(account), password=stored)
            await self._database.run(lambda db: rows.put_password(db, changed))
            self._accounts[account.id] = changed
            self._sessions = {key: s for key, s in self._sessions.items() if s.account != account.id}

    async def set_theme(self, account: Account, theme: str) -> None:
        """Set the theme of an account's pages: dark, light, or that of the device.

        Raises:
            BadRequest: There is no such theme, or the account is gone.
        """
        if theme not in THEMES:
            raise BadRequest("The theme is dark, light or that of the device.")
        async with self._changing:
            await self._keep(replace(self._current(account), theme=theme))

    async def keep_all(self) -> None:
        """Store every account and session again, after the database was damaged.

        Raises:
            StoreUnavailable: They could not be kept.
        """
        async with self._changing:
            accounts, sessions = list(self._accounts.values()), list(self._sessions.values())

            def write(db: sqlite3.Connection) -> None:
                for account in accounts:
                    rows.put_account(db, account)
                for session in sessions:
                    rows.put_session(db, session)

            await self._database.run(write)

    async def remove(self, account: Account) -> None:
        """Delete an account and end its sessions.

        Raises:
            BadRequest: It is the last owner, or gone already.
        """
        async with self._changing:
            if self._current(account).role == "owner":
                self._refuse_last_owner(account)
            await self._database.run(lambda db: rows.delete_account(db, account.id))
            self._accounts.pop(account.id, None)
        self._sessions = {key: s for key, s in self._sessions.items() if s.account != account.id}

    async def verify(self, name: str, password: str) -> Account | None:
        """Return the account with this name and password; takes the same time for unknown names.

        Raises:
            Busy: Too many are being verified.
        """
        account = self.named(name)
        stored = account.password if account is not None and account.password else self._nobody
        is_right = await self._in_pool(passwords.verify, password, stored)
        return account if is_right and account is not None else None

    async def begin(self, account: Account, device: str, kind: str = "browser") -> str:
        """Begin a session and return its name, the cookie's value; at the limit the oldest session ends.

        Raises:
            BadRequest: The account was deleted, or its password changed since it was verified.
            StoreUnavailable: It could not be kept.
        """
        name, now_ms = secrets.token_urlsafe(32), epoch_ms(self._clock.utcnow())
        ends = None if kind == "kiosk" else now_ms + SESSION_DAYS * _DAY_MS
        session = Session(hash_of(name), account.id, device[:80] or "browser", kind, now_ms, now_ms, ends)
        async with self._changing:
            if self._current(account).password != account.password:
                raise BadRequest("The password was changed meanwhile.")
            await self._database.run(lambda db: rows.put_session(db, session))
            self._sessions[session.hash] = session
        for old in self.sessions_of(account.id)[:-SESSIONS_PER_ACCOUNT]:
            await self.end(old.hash)
        return name

    def session(self, name: str) -> tuple[Account, Session] | None:
        """Return the account and session of a cookie's value; ``None`` if there is none or it has ended."""
        session = self._sessions.get(hash_of(name))
        account = self._accounts.get(session.account) if session is not None else None
        if session is None or account is None:
            return None
        if session.ends is not None and session.ends <= epoch_ms(self._clock.utcnow()):
            del self._sessions[session.hash]
            return None
        return account, session

    def is_valid(self, session: Session) -> bool:
        """Tell whether a session has not ended meanwhile."""
        kept = self._sessions.get(session.hash)
        return kept is not None and (kept.ends is None or kept.ends > epoch_ms(self._clock.utcnow()))

    async def seen(self, session: Session) -> None:
        """Record the use of a session; written at most once an hour."""
        now_ms = epoch_ms(self._clock.utcnow())
        if now_ms - session.seen > SEEN_EVERY_MS and session.hash in self._sessions:
            self._sessions[session.hash] = replace(session, seen=now_ms)
            await self._database.run(lambda db: rows.see_session(db, session.hash, now_ms))

    def sessions_of(self, account_id: str) -> list[Session]:
        """Return the sessions of an account, the oldest first."""
        return sorted((s for s in self._sessions.values() if s.account == account_id), key=lambda s: s.created)

    async def end(self, session_hash: str) -> None:
        """End a session, unless it would be back after a restart (`StoreUnavailable`)."""
        await self._database.run(lambda db: rows.delete_session(db, session_hash))
        self._sessions.pop(session_hash, None)

    def close(self) -> None:
        """Shut the threads down."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _current(self, account: Account) -> Account:
        """Return the current state of an account, which may have changed while a request's body was read.

        Raises:
            BadRequest: It is gone.
        """
        now = self._accounts.get(account.id)
        if now is None:
            raise BadRequest("There is no such account any more.")
        return now

    async def _keep(self, account: Account) -> None:
        try:
            await self._database.run(lambda db: rows.put_account(db, account))
        except sqlite3.IntegrityError:
            raise BadRequest("There is an account of this name already.") from None
        self._accounts[account.id] = account

    def _refuse_another(self, name: str) -> None:
        if self.named(name) is not None:
            raise BadRequest("There is an account of this name already.")
        if len(self._accounts) >= ACCOUNTS_MAX:
            raise BadRequest(f"There are {ACCOUNTS_MAX} accounts already.")

    def _refuse_last_owner(self, account: Account) -> None:
        if not any(a.role == "owner" and a.id != account.id for a in self._accounts.values()):
            raise BadRequest("This is the last owner; make another one first.")

    async def _in_pool(self, function: Callable[..., Result], *arguments: str) -> Result:
        if self._hashing >= HASHES_WAITING_MAX:
            raise Busy("too many passwords are being verified")
        self._hashing += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        finally:
            self._hashing -= 1


def hash_of(name: str) -> str:
    """Return the hash under which a session is stored, so that a stolen database contains no usable cookie."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def name_key(name: str) -> str:
    """Return what is compared of a name: without case, and the same for accents typed in one or two characters."""
    return unicodedata.normalize("NFC", name.translate(_JOINERS)).strip().lower()


def _role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise BadRequest(f"The role is one of {', '.join(ROLES)}.")
