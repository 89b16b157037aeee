"""State and services that the console's request handlers use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pi_cam_node.base.atomic_files import replace_atomically
from pi_cam_node.base.clock import Clock, epoch_ms
from pi_cam_node.console.accounts.pairing import Pairing
from pi_cam_node.console.accounts.registry import Accounts
from pi_cam_node.console.accounts.setup_link import SetupLink
from pi_cam_node.console.broker.requests import Requests
from pi_cam_node.console.changes import Changes
from pi_cam_node.console.config.loader import LoadedConsole
from pi_cam_node.console.config.rules_file import write_rules
from pi_cam_node.console.journal import Entry, Journal
from pi_cam_node.console.links import Links
from pi_cam_node.console.message_dispatcher import MessageDispatcher
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.pictures.client import NodeClient
from pi_cam_node.console.pictures.cutoff import Cutoff
from pi_cam_node.console.pictures.hub import LiveHub
from pi_cam_node.console.push.endpoints import Endpoints
from pi_cam_node.console.push.outbox import Outbox
from pi_cam_node.console.push.pause import PushPause, words_of
from pi_cam_node.console.push.vapid import CONTACT_FILE, Vapid, subject_of
from pi_cam_node.console.rules.engine import RuleEngine
from pi_cam_node.console.rules.models import Rule
from pi_cam_node.console.sensors.registry import Sensors
from pi_cam_node.console.store import audit
from pi_cam_node.console.store.database import Database, StoreUnavailable, Work
from pi_cam_node.console.supervisor.supervisor import Supervisor

Row = TypeVar("Row")
# Nodes asked for their lists at one time by all pages together: pending commands are bounded
# (`requests.REQUESTS_WAITING_MAX`), and those of rules and buttons must find room.
LISTS_AT_ONCE = 16


@dataclass(slots=True)
class ConsoleContext:
    """State and services of the console for request handlers. Thread: the loop's.

    Attributes:
        loaded: The settings and where they came from.
        mode: ``home`` or ``away``.
        listing: Limits how many nodes are asked for their pictures at one time.
        changing: Held from reading rules, an account, a sensor or a pairing code until they are replaced.
    """

    loaded: LoadedConsole
    clock: Clock
    database: Database
    journal: Journal
    changes: Changes
    nodes: Nodes
    requests: Requests
    dispatcher: MessageDispatcher
    client: NodeClient
    cutoff: Cutoff
    hub: LiveHub
    sensors: Sensors
    engine: RuleEngine
    accounts: Accounts
    setup: SetupLink
    pairing: Pairing
    links: Links
    vapid: Vapid
    endpoints: Endpoints
    outbox: Outbox
    pause: PushPause
    supervisor: Supervisor
    mode: str = "home"
    listing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LISTS_AT_ONCE))
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    file_content: bytes | None = field(default=None, repr=False)

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        return epoch_ms(self.clock.utcnow())

    def local_now(self) -> datetime:
        """Return the local time."""
        return self.clock.utcnow().astimezone()

    @property
    def path(self) -> Path | None:
        """Path of the console's configuration file."""
        return self.loaded.path

    async def rows_or_none(self, work: Work[list[Row]]) -> list[Row]:
        """Return optional rows of a page; empty if the database cannot be read."""
        try:
            return await self.database.read(work)
        except StoreUnavailable:
            return []

    def note(self, account: str, kind: str, what: str) -> None:
        """Write an action of an account to the audit log."""
        row = audit.AuditRow(self.now_ms(), account, kind, what)
        self.journal.put(Entry(lambda db: audit.add(db, row), is_lasting=kind in audit.STATES))

    def set_mode(self, account: str, mode: str) -> None:
        """Set the mode ``home`` or ``away``; stored as the newest row of its kind in the audit log."""
        self.mode = mode
        self.note(account, "mode", mode)
        self.changes.tell("mode")

    def pause_pushes(self, account: str, until_ms: int) -> None:
        """Pause pushes until a time (UTC epoch milliseconds; 0: resume); stored as the mode is."""
        self.pause.begin(until_ms)
        self.note(account, "pushes", words_of(until_ms))
        self.changes.tell("mode")

    def keep_contact(self, subject: str) -> None:
        """Store the contact address for push services, unless the file names one. Thread: an executor.

        Raises:
            OSError: It could not be stored.
        """
        console = self.loaded.config.console
        replace_atomically(console.base_dir / CONTACT_FILE, f"{subject}\n".encode())
        self.vapid.subject = subject_of(console.vapid_subject, console.base_dir)

    async def save_rules(self, rules: Sequence[Rule]) -> None:
        """Write the rules into the file and apply them.

        Raises:
            NotSaved: The file could not be changed; the old rules stay in force.
        """
        loop = asyncio.get_running_loop()
        self.file_content = await loop.run_in_executor(None, write_rules, self.path, rules, self.file_content)
        self.engine.replace(rules)
