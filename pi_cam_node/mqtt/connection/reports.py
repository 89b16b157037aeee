"""Reports findings of the link to the node's inbox (queued while it is full) and once to the log."""

from __future__ import annotations

import logging
from collections import deque

from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import BrokerRefused, Input

_log = logging.getLogger(__name__)

# Greatest number of warnings with different subjects.
WARNINGS = 32
# Greatest number of queued reports.
REPORTS_WAITING = 16


class LinkReports:
    """Sends the link's reports. Thread: the link's; `warn_once` also the node thread."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: deque[Input] = deque(maxlen=REPORTS_WAITING)
        self._warned: set[str] = set()
        self._refused = self._given_up = 0

    def post(self, received: Input) -> None:
        """Put an input into the node's inbox, now or later; at the limit the oldest is dropped."""
        self._waiting.append(received)
        self.flush()

    def flush(self) -> None:
        """Put queued reports into the inbox, as far as there is room."""
        while self._waiting and self._inbox.put(self._waiting[0]):
            self._waiting.popleft()

    def log_losses(self, given_up: int) -> None:
        """Log messages lost since the last call, if any.

        Args:
            given_up: Number of dropped replies, events and frames since the start.
        """
        refused, given_up_before = self._refused, self._given_up
        self._refused, self._given_up = self._inbox.messages_refused, given_up
        if self._refused > refused:
            _log.warning("too much to do: %d messages were dropped, and get no reply", self._refused - refused)
        if given_up > given_up_before:
            _log.warning(
                "the broker was offline or slow: %d replies, events and frames are lost", given_up - given_up_before
            )

    def found(self, message: str, subject: str = "") -> None:
        """Log and post a finding about the broker, once for a subject; an empty message is ignored."""
        if message and self.warn_once(subject or message, message):
            self.post(BrokerRefused(message))

    def warn_once(self, subject: str, message: str) -> bool:
        """Log a message unless its subject was logged before; return whether it was logged."""
        if subject in self._warned or len(self._warned) >= WARNINGS:
            return False
        self._warned.add(subject)
        _log.warning("%s", message)
        return True
