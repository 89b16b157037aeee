"""Actions of rules: the messages to a device."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from pi_cam_node.base.clock import epoch_ms
from pi_cam_node.console.push.pause import PushPause
from pi_cam_node.console.rules.actions import PUSHES_PER_MINUTE, ActionRunner
from pi_cam_node.console.store import accounts as account_rows
from pi_cam_node.console.store import devices as device_rows
from pi_cam_node.console.store.accounts import Account
from pi_cam_node.console.store.devices import Device
from pi_cam_node.console.store.events import EventRow
from pi_cam_node.console.store.schema import migrate
from tests.support.fakes.clock import FakeClock

OWNER = Account("a1", "Anna", "owner", "")


def test_a_device_gets_a_bounded_number_of_messages_a_minute() -> None:
    """A door that chatters must not drain a phone's battery, nor have its push service refuse what matters."""
    clock = FakeClock()
    nothing: Any = None
    accounts: Any = {OWNER.id: OWNER}
    runner = ActionRunner(nothing, nothing, nothing, accounts, nothing, clock, PushPause(clock), lambda _row: None)
    with closing(sqlite3.connect(":memory:")) as db:
        migrate(db)
        account_rows.put_account(db, OWNER)
        device_rows.put_device(db, Device("d1", OWNER.id, "webpush", "https://push.example/1", {}, "Phone", 0))

        def state(number: int) -> str:
            row = EventRow("", f"event-{number}", epoch_ms(clock.utcnow()), "rule")
            event = runner._write(db, row, [(OWNER.id, "The door")], is_late=False)
            ((delivery, _, _),) = device_rows.deliveries(db, event.rowid)
            return delivery.state

        assert [state(number) for number in range(PUSHES_PER_MINUTE + 2)] == ["waiting"] * PUSHES_PER_MINUTE + [
            "flood"
        ] * 2
        clock.advance(61)
        assert state(99) == "waiting"
