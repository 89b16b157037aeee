"""Runs the actions of a rule: requests pictures from nodes, and stores event and pushes in one transaction."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any

from pi_cam_node.base.clock import Clock, epoch_ms, iso, utc_of_ms
from pi_cam_node.base.errors import NodeError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.accounts import rights
from pi_cam_node.console.accounts.registry import Accounts
from pi_cam_node.console.broker.requests import Requests
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.push.pause import PushPause
from pi_cam_node.console.rules.engine import Firing, Occurrence
from pi_cam_node.console.rules.models import Action, Condition
from pi_cam_node.console.sensors.registry import Sensors
from pi_cam_node.console.store import devices as device_rows
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store.database import Database, StoreUnavailable
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow

_log = logging.getLogger(__name__)

# Longest wait of a push for its picture; a later picture is added to the event, and pushed again with it.
PICTURE_WAIT_S = 0.5
CHANNEL_WAIT_MS = 5_000
# JPEG: every phone shows it, and it is the quickest to write.
FORMATS = ("jpg",)
# Pushes of all rules to one device.
PUSHES_PER_MINUTE = 10


@frozen
class Done:
    """Result of an action.

    Attributes:
        camera: Id of the node.
        media: Id of the picture or film; empty where there is none.
        what: Description of the result.
    """

    camera: str
    media: str
    what: str


@dataclass(slots=True)
class ActionRunner:
    """Runs the actions of firings. Thread: the loop's.

    Attributes:
        requests: Asks nodes.
        nodes: All nodes.
        sensors: All sensors.
        accounts: All accounts.
        database: Where rows go.
        clock: Tells the time.
        pause: Whether pushes are off for a while.
        on_event: Called with the row of each event that was written.
    """

    requests: Requests
    nodes: Nodes
    sensors: Sensors
    accounts: Accounts
    database: Database
    clock: Clock
    pause: PushPause
    on_event: Callable[[EventRow], None]
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self, firing: Firing) -> None:
        """Start the actions of a firing; returns at once."""
        task = asyncio.create_task(self.run(firing))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def run(self, firing: Firing) -> None:
        """Execute a firing."""
        try:
            await self._run(firing)
        except StoreUnavailable as error:
            _log.warning("%s fired, but its event could not be stored: %s", firing.rule.title, error)
        except Exception:
            _log.exception("%s failed", firing.rule.title)

    async def _run(self, firing: Firing) -> None:
        row = self._row(firing)
        asked = [asyncio.create_task(self._ask(action)) for action in firing.rule.do if action.camera]
        done: set[asyncio.Task[Done]] = set()
        late: set[asyncio.Task[Done]] = set()
        if asked:
            done, late = await asyncio.wait(asked, timeout=PICTURE_WAIT_S)
        row = _with(row, [task.result() for task in asked if task in done])
        pushes = self._pushes(firing)
        is_late = bool(late) and not row.media
        written = await self.database.run(lambda db: self._write(db, row, pushes, is_late=is_late))
        self.on_event(written)
        if late:
            await asyncio.wait(late)
            more = _with(row, [task.result() for task in late])
            self.on_event(await self.database.run(lambda db: self._add(db, more)))

    def _row(self, firing: Firing) -> EventRow:
        """Return the row of the event: the camera's own event, or one of the console."""
        cause, rule = firing.cause, firing.rule
        now_ms = epoch_ms(self.clock.utcnow())
        if cause.camera:
            return EventRow(cause.camera, cause.event_id, now_ms, "motion", cause.camera, rule=rule.title)
        sensor = self.sensors.get(cause.sensor)
        linked = sensor.cameras[0] if sensor is not None and sensor.cameras else None
        camera = next((action.camera for action in rule.do if action.camera), None) or linked
        data = {"became": firing.rule.when.becomes, "title": sensor.title if sensor else cause.sensor}
        return EventRow("", uuid.uuid4().hex, now_ms, "rule", camera, cause.sensor, rule.title, None, data)

    async def _ask(self, action: Action) -> Done:
        """Send an action's command to its node; errors are returned as text."""
        camera = action.camera or ""
        verb, arguments, words = _command(action)
        node = self.nodes.get(camera)
        if node is None or not node.online:
            return Done(camera, "", f"{node.name if node else camera} is offline: no picture")
        try:
            reply = await self.requests.ask(camera, verb, arguments)
        except NodeError as error:
            return Done(camera, "", f"{node.name}: {error}")
        if not reply.get("ok"):
            return Done(camera, "", f"{node.name}: {str(reply.get('message'))[:200]}")
        return Done(camera, media_in(reply.get("data")), f"{node.name}: {words}")

    def _pushes(self, firing: Firing) -> list[tuple[str, str]]:
        """Return the ids of accounts to notify, each with the text."""
        found = []
        for action in firing.rule.do:
            for name in action.push or ():
                account = self.accounts.named(name)
                if account is None:
                    _log.warning("%s pushes to %s, but there is no such account", firing.rule.title, name)
                else:
                    found.append((account.id, action.text or firing.rule.title))
        return found

    def _write(
        self, db: sqlite3.Connection, row: EventRow, pushes: Sequence[tuple[str, str]], *, is_late: bool
    ) -> EventRow:
        written, _ = event_rows.put(db, row)
        for account_id, text in pushes:
            account = self.accounts.get(account_id)
            # Accounts without the right to the camera get the text without its picture: see `Composer`.
            if account is None or not rights.may(account, "view"):
                continue
            for device in device_rows.devices(db, account_id):
                if not device.gone_why:
                    device_rows.put_delivery(db, self._delivery(db, written, device, text, is_late=is_late))
        return written

    def _add(self, db: sqlite3.Connection, row: EventRow) -> EventRow:
        """Add a late picture to an event; messages sent without it are sent again and replace the first."""
        written, _ = event_rows.put(db, row)
        if row.media:
            device_rows.send_again(db, written.rowid, epoch_ms(self.clock.utcnow()))
        return written

    def _delivery(self, db: sqlite3.Connection, row: EventRow, device: Device, text: str, *, is_late: bool) -> Delivery:
        now_ms = epoch_ms(self.clock.utcnow())
        # A browser replaces a message by the one with the picture; a channel would show both.
        due_ms = now_ms + (CHANNEL_WAIT_MS if is_late and device.kind != "webpush" else 0)
        local = self.clock.utcnow().astimezone().time()
        state = "waiting"
        if self.pause.is_on:
            state = "paused"
        elif is_quiet(device, local):
            state = "quiet"
        elif device_rows.sent_since(db, device.id, now_ms - 60_000) >= PUSHES_PER_MINUTE:
            state = "flood"
        return Delivery(row.rowid, device.id, state, 0, due_ms, None, now_ms, text)


def is_quiet(device: Device, local: time) -> bool:
    """Tell whether a local time is within a device's quiet hours."""
    between = device.quiet.get("between")
    if not between:
        return False
    return Condition(between=(str(between[0]), str(between[1]))).holds("home", local)


def media_in(data: Any) -> str:
    """Return the id of the first picture in a reply's data."""
    if not isinstance(data, dict):
        return ""
    for key in ("id", "picture_id"):
        if isinstance(data.get(key), str):
            return str(data[key])
    several = data.get("pictures") or data.get("images")
    return media_in(several[0]) if isinstance(several, list) and several else ""


def occurrence_of(row: EventRow, now: datetime) -> Occurrence | None:
    """Return a node's event as a trigger of rules; ``None`` for kinds that trigger none."""
    if row.kind != "motion" or "motion_started" not in row.data or row.data.get("late"):
        return None
    zones = row.data.get("zones")
    return Occurrence(
        camera=row.node,
        event="motion_started",
        zones=tuple(map(str, zones)) if isinstance(zones, list) else (),
        age_s=max(0.0, now.timestamp() - row.at_ms / 1000),
        event_id=row.id,
    )


def _command(action: Action) -> tuple[str, dict[str, object], str]:
    """Return verb, arguments, and a text for the result."""
    if action.past:
        ago = {} if action.at is None else {"at": action.at}
        return "pastStack", {"thumbnail": True, "formats": FORMATS, **ago}, "a picture of before"
    if action.clip:
        return "clip", {} if action.before_s is None else {"before_s": action.before_s}, "a clip of before"
    return "save", {"thumbnail": True, "formats": FORMATS}, "a picture"


def _with(row: EventRow, results: Sequence[Done]) -> EventRow:
    said = [*row.data.get("done", ()), *(one.what for one in results)]
    first = next((one for one in results if one.media and one.camera == row.camera), None)
    media = row.media or (first.media if first else None)
    return replace(row, media=media, data={**row.data, "done": said, "fired_at": iso(utc_of_ms(row.at_ms))})
