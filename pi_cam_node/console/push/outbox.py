"""Sends pending messages, one for each device at a time; failed ones are retried until they are too old."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from pi_cam_node.base.clock import Clock, epoch_ms
from pi_cam_node.console.push.channels import Send
from pi_cam_node.console.push.sender import TTL_S, Outcome
from pi_cam_node.console.store import devices as rows
from pi_cam_node.console.store.database import Database, StoreUnavailable
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow

_log = logging.getLogger(__name__)

AT_ONCE = 32
FIRST_WAIT_MS, WAIT_MAX_MS = 5_000, 300_000
IDLE_S = 60.0
WHY_MAX = 200


class Outbox:
    """Task that sends pending messages. Thread: the loop's.

    Args:
        database: Database with the outbox.
        send: Sends the message of a delivery; does not raise.
        clock: Tells the time.
        on_change: Called with the number of an event whose deliveries changed.
        is_paused: Whether pushes are paused; then only tests of devices are sent, and earlier pending messages are
            skipped.
    """

    def __init__(
        self,
        database: Database,
        send: Send,
        clock: Clock,
        on_change: Callable[[int], None] = lambda _event: None,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._send = send
        self._clock = clock
        self._on_change = on_change
        self._is_paused = is_paused
        self._wake = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Wake the task, because a message was added."""
        self._wake.set()

    async def run(self) -> None:
        """Send due messages until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    wait_s = await self.step()
                except StoreUnavailable as error:
                    _log.warning("the outbox cannot be read: %s", error)
                    wait_s = IDLE_S
                except Exception:
                    _log.exception("the outbox failed; it goes on")
                    wait_s = IDLE_S
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), wait_s)
        finally:
            for task in self._under_way.values():
                task.cancel()

    async def step(self) -> float:
        """Start sending due messages; return seconds until the next is due.

        A slow push service delays only the messages of its own device.
        """
        now_ms, busy = epoch_ms(self._clock.utcnow()), tuple(self._under_way)
        if len(busy) >= AT_ONCE:
            return IDLE_S
        for delivery, device, event in await self._database.read(
            lambda db: rows.due(db, now_ms, AT_ONCE - len(busy), busy)
        ):
            task = asyncio.create_task(self._finish(delivery, device, event))
            self._under_way[device.id] = task
        busy = tuple(self._under_way)
        next_ms = await self._database.read(lambda db: rows.next_due_ms(db, busy))
        return IDLE_S if next_ms is None else max(0.05, min(IDLE_S, (next_ms - now_ms) / 1000))

    async def _finish(self, delivery: Delivery, device: Device, event: EventRow) -> None:
        """Deliver a message and, whatever the outcome, wake the task for the device's next one."""
        try:
            await self._deliver(delivery, device, event)
        except StoreUnavailable as error:
            # The outcome is not stored, so the message stays due and is sent again later.
            _log.warning("the outcome of a push to %s could not be stored: %s", device.label, error)
            await asyncio.sleep(IDLE_S)
        except Exception:
            _log.exception("a push to %s failed; it is tried again", device.label)
            await asyncio.sleep(IDLE_S)
        finally:
            self._under_way.pop(device.id, None)
            self._wake.set()

    async def _deliver(self, delivery: Delivery, device: Device, event: EventRow) -> None:
        now_ms = epoch_ms(self._clock.utcnow())
        if now_ms - delivery.at_ms > TTL_S * 1000:
            await self._note(replace(delivery, state="expired", at_ms=now_ms))
            return
        if device.gone_why:
            await self._note(replace(delivery, state="failed", at_ms=now_ms, why=device.gone_why))
            return
        if self._is_paused() and event.kind != "test":
            # A message that was sent already would only be repeated for its picture.
            was_sent = delivery.code is not None and delivery.code // 100 == 2
            await self._note(replace(delivery, state="sent" if was_sent else "paused", at_ms=now_ms))
            return
        await self._judge(delivery, device, event, await self._send(delivery, device, event))

    async def _judge(self, delivery: Delivery, device: Device, event: EventRow, outcome: Outcome) -> None:
        now_ms = epoch_ms(self._clock.utcnow())
        tried = replace(delivery, tries=delivery.tries + 1, code=outcome.code, why=outcome.why[:WHY_MAX])
        if outcome.state == "sent":
            await self._note_sent(replace(tried, at_ms=now_ms), event)
        elif outcome.state == "gone":
            _log.info("%s receives no pushes any more: %s", device.label, outcome.why)
            await self._note(replace(tried, state="failed", at_ms=now_ms))
            await self._database.run(lambda db: rows.gone(db, device.id, outcome.why, now_ms))
        elif outcome.state == "failed":
            _log.warning("a push to %s failed: %s", device.label, outcome.why)
            await self._note(replace(tried, state="failed", at_ms=now_ms))
        else:
            wait_ms = min(WAIT_MAX_MS, FIRST_WAIT_MS * 2**delivery.tries)
            due_ms = now_ms + max(wait_ms, round(1000 * outcome.retry_after_s))
            _log.info("a push to %s is delayed: %s", device.label, outcome.why)
            await self._note(replace(tried, due_ms=due_ms))

    async def _note_sent(self, delivery: Delivery, event: EventRow) -> None:
        def write(db: sqlite3.Connection) -> None:
            rows.succeeded(db, delivery.device, delivery.at_ms)
            rows.put_sent(db, delivery, event)

        await self._database.run(write)
        self._on_change(delivery.event)

    async def _note(self, delivery: Delivery) -> None:
        await self._database.run(lambda db: rows.put_delivery(db, delivery))
        self._on_change(delivery.event)
